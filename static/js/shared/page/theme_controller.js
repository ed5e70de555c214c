import { Controller } from "@hotwired/stimulus";

// Light or dark, remembered in a cookie so that the server renders the next page right from the start.
export default class extends Controller {
  flip() {
    const root = document.documentElement;
    const dark = root.dataset.bsTheme
      ? root.dataset.bsTheme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.bsTheme = dark ? "light" : "dark";
    document.cookie = `theme=${root.dataset.bsTheme}; path=/; max-age=31536000; SameSite=Lax`;
  }
}
