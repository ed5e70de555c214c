/**
 * An EventTarget whose events carry details of known types.
 * @template {Record<string, any>} Details the detail of each event by name; `any` is narrowed by
 *   who extends this
 */
export class TypedEvents extends EventTarget {
  /**
   * @template {keyof Details & string} N
   * @param {N} name
   * @param {(detail: Details[N]) => void} listener
   */
  on(name, listener) {
    this.addEventListener(name, (event) =>
      listener(/** @type {CustomEvent<Details[N]>} */ (event).detail),
    );
  }

  /**
   * @template {keyof Details & string} N
   * @param {N} name
   * @param {Details[N]} detail
   */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
