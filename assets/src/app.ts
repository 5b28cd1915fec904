// What every page does; islands are loaded where a page asks for one.
import "./requests";
import "bootstrap/js/dist/collapse";
import "bootstrap/js/dist/dropdown";
import "bootstrap/js/dist/modal";
import { start as confirming } from "./confirm";
import { start as forms } from "./forms";
import { start as islands } from "./islands";
import { start as keys } from "./keys";
import { start as palette } from "./palette";
import { start as shell } from "./shell";
import { start as toasts } from "./toasts";

for (const start of [shell, toasts, confirming, forms, palette, keys, islands]) start();
