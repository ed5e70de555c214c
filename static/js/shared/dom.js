// Elements of the page with their types. A page that lacks what its script needs fails here, with
// the name in the error.

/**
 * @template {Element} E
 * @typedef {abstract new (...args: never[]) => E} ElementType an element's constructor, such as
 *   HTMLInputElement
 */

/**
 * @template {Element} [E=HTMLElement]
 * @param {string} id
 * @param {ElementType<E>} [type]
 * @returns {E}
 */
export function elementById(id, type) {
  return checked(document.getElementById(id), type, `#${id}`);
}

/**
 * For parts that only some pages have.
 * @template {Element} [E=HTMLElement]
 * @param {string} id
 * @param {ElementType<E>} [type]
 * @returns {E | null}
 */
export function optionalElementById(id, type) {
  const element = document.getElementById(id);
  return element && checked(element, type, `#${id}`);
}

/**
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {ElementType<E>} [type]
 * @returns {E}
 */
export function findElement(root, selector, type) {
  return checked(root.querySelector(selector), type, selector);
}

/**
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {ElementType<E>} [type]
 * @returns {E | null}
 */
export function findOptionalElement(root, selector, type) {
  const element = root.querySelector(selector);
  return element && checked(element, type, selector);
}

/**
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {ElementType<E>} [type]
 * @returns {E[]}
 */
export function findElements(root, selector, type) {
  return [...root.querySelectorAll(selector)].map((element) => checked(element, type, selector));
}

/**
 * The element itself or the nearest one around it; null when the event did not come from an
 * element.
 * @template {Element} [E=HTMLElement]
 * @param {EventTarget | null} target
 * @param {string} selector
 * @param {ElementType<E>} [type]
 * @returns {E | null}
 */
export function closestElement(target, selector, type) {
  const element = target instanceof Element ? target.closest(selector) : null;
  return element && checked(element, type, selector);
}

/**
 * What an event came from, or is handled by.
 * @template {Element} [E=HTMLElement]
 * @param {EventTarget | null} target
 * @param {ElementType<E>} [type]
 * @returns {E}
 */
export function eventElement(target, type) {
  return checked(target, type, "the element of an event");
}

/**
 * @template {Element} [E=HTMLElement]
 * @param {HTMLTemplateElement} template
 * @param {ElementType<E>} [type]
 * @returns {E} a copy of the template's first element
 */
export function copyTemplate(template, type) {
  const first = checked(template.content.firstElementChild, type, "the template's content");
  return /** @type {E} */ (first.cloneNode(true));
}

/**
 * @template {Element} E
 * @param {EventTarget | null} element
 * @param {ElementType<E> | undefined} type
 * @param {string} described
 * @returns {E}
 */
function checked(element, type, described) {
  const expected = type ?? HTMLElement;
  if (element instanceof expected) return /** @type {E} */ (element);
  throw new Error(`The page has no ${expected.name} ${described}`);
}
