// Forms that help: filters that apply themselves, buttons that cannot be pressed twice, passwords to look at.
import { all, closest, find } from "./dom";

const WAIT = 250;
let timer = 0;

function submitSoon(form: HTMLFormElement, wait: number): void {
  clearTimeout(timer);
  timer = window.setTimeout(() => form.requestSubmit(), wait);
}

export function start(): void {
  document.addEventListener("input", (event) => {
    const field = closest<HTMLInputElement>(event, "form[data-autosubmit] :is(input[type=search], input[type=text]):not([list], [data-explorer])");
    if (field?.form) submitSoon(field.form, WAIT);
  });
  document.addEventListener("change", (event) => {
    const field = closest<HTMLInputElement>(event, "form[data-autosubmit] :is(select, input[type=checkbox], input[type=radio], input[type=date], input[list])");
    if (field?.form) submitSoon(field.form, 0);
    const every = closest<HTMLInputElement>(event, "[data-check-all]");
    if (every) {
      for (const box of all<HTMLInputElement>(`input[name="${CSS.escape(every.dataset.checkAll ?? "")}"]`)) box.checked = every.checked;
    }
  });
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!(button instanceof HTMLButtonElement) || event.defaultPrevented) return;
    // After the browser has read the form, so that the button's own value is sent.
    setTimeout(() => {
      button.classList.add("is-busy");
      button.setAttribute("aria-disabled", "true");
    });
    setTimeout(() => release(button), 8000);
  });
  document.addEventListener("click", (event) => {
    const busy = closest(event, "button.is-busy");
    if (busy) event.preventDefault();
    const look = closest<HTMLButtonElement>(event, "[data-show-password]");
    const field = look ? find<HTMLInputElement>(`#${CSS.escape(look.dataset.showPassword ?? "")}`) : null;
    if (!look || !field) return;
    field.type = field.type === "password" ? "text" : "password";
    look.setAttribute("aria-pressed", String(field.type === "text"));
  }, { capture: true });
  document.addEventListener("htmx:afterRequest", () => all<HTMLButtonElement>("button.is-busy").forEach(release));
  window.addEventListener("pageshow", () => all<HTMLButtonElement>("button.is-busy").forEach(release));
}

function release(button: HTMLButtonElement): void {
  button.classList.remove("is-busy");
  button.removeAttribute("aria-disabled");
}
