// Small helpers that the other modules share.

export function find<T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T | null {
  return root.querySelector<T>(selector);
}

export function all<T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T[] {
  return [...root.querySelectorAll<T>(selector)];
}

/** The closest element that fits, from the target of an event upwards. */
export function closest<T extends Element = HTMLElement>(event: Event, selector: string): T | null {
  return event.target instanceof Element ? event.target.closest<T>(selector) : null;
}

/** Texts that scripts show come from the page, where they are translated. */
export function word(name: string): string {
  const template = find<HTMLTemplateElement>("#cb-words");
  return template?.content.querySelector<HTMLElement>("i")?.dataset[name] ?? "";
}

export function setCookie(name: string, value: string): void {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
}

export function announce(text: string): void {
  const live = find("#announce");
  if (live) live.textContent = text;
}

/** Tell the portal something while the page goes elsewhere; nobody waits for an answer. */
export function tell(url: string, values: Record<string, string>): void {
  const token = find<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
  const [address = "", query = ""] = url.split("?");
  const body = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  void fetch(address, { method: "POST", body, keepalive: true, credentials: "same-origin", headers: { "X-CSRFToken": token } }).catch(() => undefined);
}
