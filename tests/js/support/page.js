// A page without a browser: jsdom's document and elements as globals. Import it before the module
// under test.
import { webcrypto } from "node:crypto";
import { JSDOM } from "jsdom";

const ELEMENTS_AND_EVENTS = /^(HTML\w*Element|\w*Event)$/;
const OTHERS = [
  "Blob",
  "Document",
  "DocumentFragment",
  "DOMParser",
  "Element",
  "EventTarget",
  "File",
  "FileReader",
  "FormData",
  "MutationObserver",
  "Node",
  "NodeList",
  "Option",
  "RadioNodeList",
  "document",
  "localStorage",
  "location",
  "navigator",
  "sessionStorage",
];

/** Opens an empty page. A page of the same test file that was open before is gone. */
export function openPage(html = "", { language = "en", direction = "ltr" } = {}) {
  const page = `<!doctype html><html lang="${language}" dir="${direction}"><head>
    <meta name="csrf-token" content="the-token">
    <meta name="out-of-reach" content="The server cannot be reached."></head>
    <body>${html}</body></html>`;
  const { window } = new JSDOM(page, { url: "http://clinic.test/", pretendToBeVisual: true });
  const matching = Object.getOwnPropertyNames(window).filter((name) =>
    ELEMENTS_AND_EVENTS.test(name),
  );
  for (const name of [...matching, ...OTHERS]) setGlobal(name, window[name]);
  setGlobal("window", window);
  setGlobal("addEventListener", window.addEventListener.bind(window));
  setGlobal("removeEventListener", window.removeEventListener.bind(window));
  setGlobal("requestAnimationFrame", (act) => act(0));
  setGlobal("getComputedStyle", window.getComputedStyle.bind(window));
  if (!globalThis.crypto) setGlobal("crypto", webcrypto);
  window.matchMedia = () => ({ matches: false, addEventListener() {}, removeEventListener() {} });
  window.HTMLElement.prototype.scrollIntoView = () => {};
  addDialogs(window.HTMLDialogElement.prototype);
  window.Blob.prototype.arrayBuffer ??= readBlob;
  return window;
}

/** Starts Stimulus with some controllers and waits until they are connected. */
export async function startControllers(controllers, Application) {
  const application = Application.start();
  application.handleError = (error) => {
    throw error;
  };
  for (const [identifier, controller] of Object.entries(controllers)) {
    application.register(identifier, controller);
  }
  await new Promise((done) => setImmediate(done));
  return application;
}

/** Takes everything out of the document, which disconnects the controllers, and stops Stimulus. */
export async function closePage(application) {
  document.body.innerHTML = "";
  await new Promise((done) => setImmediate(done));
  application?.stop();
}

export function byId(id) {
  return document.getElementById(id);
}

/** Types into a field as a person does: the whole text, then the event. */
export function type(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function setGlobal(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/** jsdom has the element without its methods. */
function addDialogs(prototype) {
  prototype.showModal = function showModal() {
    this.open = true;
  };
  prototype.close = function close() {
    this.open = false;
    this.dispatchEvent(new Event("close"));
  };
}

/** jsdom has Blob without it. */
function readBlob() {
  return new Promise((resolve, reject) => {
    const reader = new window.FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(this);
  });
}
