// Ask before something that cannot be taken back: `data-confirm` on a form or button, `hx-confirm` anywhere.
import { closest, find } from "./dom";

let after: (() => void) | null = null;

function ask(question: string, yes: string, then: () => void): void {
  const dialog = find<HTMLDialogElement>("#confirm");
  if (!dialog) return then();
  const text = find(".cb-confirm-text", dialog);
  const button = find("[data-confirm-yes]", dialog);
  if (text) text.textContent = question;
  if (button) button.textContent = yes || (button.dataset.confirmYes ?? "");
  after = then;
  dialog.showModal();
}

export function start(): void {
  document.addEventListener("htmx:confirm", (event) => {
    const detail = (event as CustomEvent<{ question?: string; elt: HTMLElement; issueRequest: (skip: boolean) => void }>).detail;
    if (!detail.question) return;
    event.preventDefault();
    ask(detail.question, detail.elt.dataset.confirmButton ?? "", () => detail.issueRequest(true));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const button = event.submitter instanceof HTMLElement ? event.submitter : null;
    const asking = button?.dataset.confirm ? button : form.dataset.confirm ? form : null;
    if (!asking || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(asking.dataset.confirm ?? "", asking.dataset.confirmButton ?? button?.textContent?.trim() ?? "", () => {
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
      delete form.dataset.confirmed;
    });
  }, { capture: true });
  document.addEventListener("click", (event) => {
    if (!closest(event, "[data-confirm-yes]")) return;
    const then = after;
    after = null;
    find<HTMLDialogElement>("#confirm")?.close();
    then?.();
  });
}
