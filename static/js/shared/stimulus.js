// Stimulus controllers whose targets and values have types:
//
//   export default class extends controllerOf({
//     element: HTMLFormElement, targets: { words: HTMLElement }, values: { url: String },
//   }) { … this.wordsTarget, this.hasWordsTarget, this.urlValue … }
import { Controller } from "@hotwired/stimulus";

export const controllerOf = /** @type {import("./stimulus_types.d.ts").ControllerOf} */ (
  // Stimulus adds the properties when it registers the class, where TypeScript cannot see it.
  /** @type {unknown} */ (
    ({ targets = {}, values = {} } = {}) =>
      class extends Controller {
        static targets = Object.keys(targets);
        static values = values;
      }
  )
);
