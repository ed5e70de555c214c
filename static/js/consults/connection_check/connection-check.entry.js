// The script of the page that tests devices and connection before a consult.
import { ConnectionCheck } from "./connection_check.js";

new ConnectionCheck();
