// Short messages: those of the page, and those an answer sends in its HX-Trigger header.
import { all, closest, find } from "./dom";

const SECONDS = 6;

function arm(element: HTMLElement): void {
  if (element.dataset.armed) return;
  element.dataset.armed = "yes";
  // What went wrong stays until somebody has read it.
  if (element.dataset.toast === "danger" || element.dataset.toast === "warning") return;
  let timer = 0;
  const wait = (): void => {
    timer = window.setTimeout(() => element.remove(), SECONDS * 1000);
  };
  const stay = (): void => clearTimeout(timer);
  for (const name of ["mouseenter", "focusin"]) element.addEventListener(name, stay);
  for (const name of ["mouseleave", "focusout"]) element.addEventListener(name, wait);
  wait();
}

export function toast(text: string, tone = "info"): void {
  const place = find("#toasts");
  const template = find<HTMLTemplateElement>("#cb-toast-template");
  const element = template?.content.firstElementChild?.cloneNode(true);
  if (!place || !(element instanceof HTMLElement) || !text) return;
  element.dataset.toast = tone;
  element.classList.replace("cb-alert-info", `cb-alert-${tone}`);
  const said = find(".cb-toast-text", element);
  if (said) said.textContent = text;
  place.append(element);
  arm(element);
}

export function start(): void {
  const arrive = (): void => all("#toasts > [data-toast]").forEach(arm);
  arrive();
  document.addEventListener("htmx:afterSettle", arrive);
  document.addEventListener("htmx:oobAfterSwap", arrive);
  document.addEventListener("click", (event) => closest(event, "[data-dismiss-toast]")?.closest("[data-toast]")?.remove());
  document.addEventListener("toast", (event) => {
    const { text, tone } = (event as CustomEvent<{ text?: string; tone?: string }>).detail ?? {};
    toast(text ?? "", tone);
  });
}
