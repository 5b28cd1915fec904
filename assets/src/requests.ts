// htmx and how the portal uses it: navigation that swaps the page, errors that leave the rest alone.
import htmx from "htmx.org";
import { all, announce, find, word } from "./dom";
import { toast } from "./toasts";

declare global {
  interface Window {
    htmx: typeof htmx;
  }
}
window.htmx = htmx;

const root = document.documentElement;
const scrolls = new Map<string, number>();
let here = location.pathname + location.search;
let waiting = 0;
let timer = 0;

interface Detail {
  boosted?: boolean;
  target: Element;
  elt: Element;
  xhr: XMLHttpRequest;
  shouldSwap: boolean;
  isError: boolean;
  swapOverride?: string;
  headers: Record<string, string>;
  path: string;
  verb: string;
  requestConfig: { boosted?: boolean; verb: string; elt: Element };
  pathInfo: { finalRequestPath: string; responsePath: string | null };
}

function on(name: string, handle: (detail: Detail, event: Event) => void): void {
  document.addEventListener(name, (event) => handle((event as CustomEvent<Detail>).detail, event));
}

function wholePage(text: string): boolean {
  return /^\s*<!doctype|^\s*<html/i.test(text);
}

/** Pages are swapped; what belongs to no page (parts that asked for themselves) is left to htmx. */
function isNavigation(detail: Detail): boolean {
  return Boolean(detail.requestConfig?.boosted) && (detail.target === document.body || detail.target?.id === "page");
}

on("htmx:configRequest", (detail) => {
  if (detail.verb === "get") return;
  const token = find<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  if (token) detail.headers["X-CSRFToken"] = token;
});

on("htmx:beforeRequest", (detail, event) => {
  const link = detail.elt.closest<HTMLAnchorElement>("a[href]");
  if (detail.requestConfig.boosted && link && (link.hasAttribute("download") || /^\/(api|static)\//.test(link.pathname))) {
    event.preventDefault();
    location.assign(link.href);
    return;
  }
  if (!detail.requestConfig.boosted) return;
  waiting += 1;
  clearTimeout(timer);
  timer = window.setTimeout(() => root.classList.add("cb-loading"), 120);
});

on("htmx:afterRequest", (detail) => {
  if (!detail.requestConfig.boosted) return;
  waiting = Math.max(0, waiting - 1);
  if (waiting) return;
  clearTimeout(timer);
  root.classList.remove("cb-loading");
});

on("htmx:beforeSwap", (detail) => {
  const { xhr } = detail;
  const type = xhr.getResponseHeader("Content-Type") ?? "";
  if (isNavigation(detail)) {
    const leaves = wholePage(xhr.responseText) || (xhr.status < 400 && xhr.responseText && !type.startsWith("text/html"));
    if (leaves) {
      // Not a part of this shell: let the browser open it, or show what a sent form was answered.
      detail.shouldSwap = false;
      if (detail.requestConfig.verb === "get" || xhr.status < 400) location.assign(xhr.responseURL);
      else document.open(), document.write(xhr.responseText), document.close();
      return;
    }
    if (type.startsWith("text/html") && xhr.responseText.includes('id="page"')) {
      detail.shouldSwap = true;
      detail.isError = false;
      detail.target = find("#page") ?? document.body;
      detail.swapOverride = "outerHTML show:none";
      scrolls.set(here, scrollY);
    }
    return;
  }
  // A part that asked for itself must never get a whole page, such as the sign-in page.
  if (wholePage(xhr.responseText)) detail.shouldSwap = false;
});

function failed(detail: Detail): void {
  const { elt, xhr } = detail;
  const part = elt.closest<HTMLElement>("[data-part]") ?? (elt.querySelector(".cb-skeleton") ? elt : null);
  const template = find<HTMLTemplateElement>("#cb-card-error");
  if (part && template) {
    part.replaceChildren(template.content.cloneNode(true));
    find("[data-retry]", part)?.addEventListener("click", () => htmx.trigger(part, "retry"));
    return;
  }
  toast(xhr?.status ? word("failed") : word("offline"), "danger");
}
on("htmx:responseError", failed);
on("htmx:sendError", failed);
on("htmx:timeout", failed);

/** After a page was swapped: scroll, focus and the side bar are as after a page load. */
function arrived(): void {
  const page = find<HTMLElement>("#page > [data-nav]");
  const active = page?.dataset.nav ?? "";
  for (const link of all<HTMLAnchorElement>("[data-nav-link]")) {
    if (active && link.getAttribute("href") === active) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  here = location.pathname + location.search;
  document.dispatchEvent(new CustomEvent("cb:page"));
}

on("htmx:afterSettle", (detail) => {
  if (!isNavigation(detail) && detail.target?.id !== "page") return;
  if (!detail.requestConfig?.boosted) return arrived();
  arrived();
  const anchor = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  const wanted = find<HTMLElement>("#page [autofocus]");
  if (anchor) anchor.scrollIntoView();
  else window.scrollTo({ top: 0, behavior: "instant" });
  (wanted ?? find<HTMLElement>("#main"))?.focus({ preventScroll: true });
  announce(document.title);
});

document.addEventListener("htmx:historyRestore", () => {
  const path = location.pathname + location.search;
  arrived();
  window.scrollTo({ top: scrolls.get(path) ?? 0, behavior: "instant" });
  announce(document.title);
});

// Leaving a page closes what floats above it.
document.addEventListener("cb:page", () => {
  for (const dialog of all<HTMLDialogElement>("dialog[open]")) dialog.close();
  for (const menu of all<HTMLDetailsElement>("[data-menu][open]")) menu.open = false;
  for (const backdrop of all(".modal-backdrop")) backdrop.remove();
  document.body.classList.remove("modal-open");
  document.body.style.removeProperty("overflow");
  document.body.style.removeProperty("padding-right");
});

export { htmx };
