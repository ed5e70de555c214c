import { Controller } from "@hotwired/stimulus";

// A details element used as a menu: closes on Escape, on a click elsewhere and when focus leaves.
export default class extends Controller {
  connect() {
    this.outside = (event) => {
      if (!this.element.contains(event.target)) this.element.open = false;
    };
    this.key = (event) => {
      if (event.key !== "Escape" || !this.element.open) return;
      this.element.open = false;
      this.element.querySelector("summary").focus();
    };
    this.left = (event) => {
      if (event.relatedTarget && !this.element.contains(event.relatedTarget))
        this.element.open = false;
    };
    document.addEventListener("click", this.outside);
    this.element.addEventListener("keydown", this.key);
    this.element.addEventListener("focusout", this.left);
  }

  disconnect() {
    document.removeEventListener("click", this.outside);
    this.element.removeEventListener("keydown", this.key);
    this.element.removeEventListener("focusout", this.left);
  }
}
