import { controllerOf } from "../stimulus.js";

// Light or dark, remembered in a cookie so that the server renders the next page right from the
// start.
export default class extends controllerOf() {
  flip() {
    const root = document.documentElement;
    const isDark = root.dataset.bsTheme
      ? root.dataset.bsTheme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.bsTheme = isDark ? "light" : "dark";
    // biome-ignore lint/suspicious/noDocumentCookie: Firefox got the Cookie Store API in 140
    document.cookie = `theme=${root.dataset.bsTheme}; path=/; max-age=31536000; SameSite=Lax`;
  }
}
