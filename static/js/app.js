// Every page's script: starts Stimulus with the `*_controller.js` files of static/js, and says that
// it did. Until then the page is readable and its forms work; eight seconds without this mark and
// base.css says so.

import controllers from "consilium:controllers";
import { Application } from "@hotwired/stimulus";

const application = Application.start();
application.load(controllers);
document.documentElement.dataset.scripts = "ready";
