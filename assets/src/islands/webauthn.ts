// Passkeys and security keys: hands the server's challenge to the browser, and what came of it back.
//
// `data-way` is create (a new key), get (a key of a known person) or login (a passkey, whoever it belongs to).
interface Challenge {
  creation_options?: { publicKey: PublicKeyCredentialCreationOptionsJSON };
  request_options?: { publicKey: PublicKeyCredentialRequestOptionsJSON };
}

async function challengeOf(form: HTMLFormElement): Promise<Challenge> {
  if (form.dataset.way !== "login") return JSON.parse(form.querySelector("#webauthn_data")?.textContent ?? "{}") as Challenge;
  const answer = await fetch(form.action, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return (await answer.json()) as Challenge;
}

async function credential(form: HTMLFormElement): Promise<Credential | null> {
  const challenge = await challengeOf(form);
  if (challenge.creation_options) {
    const asked = challenge.creation_options.publicKey;
    const alone = form.querySelector<HTMLInputElement>("[name=passwordless]")?.checked ?? false;
    asked.authenticatorSelection = {
      ...asked.authenticatorSelection,
      residentKey: alone ? "required" : "discouraged",
      requireResidentKey: alone,
      ...(alone && { userVerification: "required" }),
    };
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) });
  }
  if (!challenge.request_options) throw new Error("no challenge");
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(challenge.request_options.publicKey) });
}

export function mount(form: HTMLElement): void {
  if (!(form instanceof HTMLFormElement)) return;
  const button = form.querySelector<HTMLButtonElement>("[data-act]");
  const problem = form.querySelector<HTMLElement>("[data-problem]");
  const field = form.querySelector<HTMLInputElement>("[name=credential]");
  if (!button || !problem || !field) return;
  if (typeof PublicKeyCredential === "undefined" || !("parseCreationOptionsFromJSON" in PublicKeyCredential)) {
    if (form.dataset.way === "login") form.hidden = true;
    else button.disabled = true;
    return;
  }
  button.addEventListener("click", () => {
    problem.hidden = true;
    button.disabled = true;
    credential(form)
      .then((found) => {
        field.value = JSON.stringify(found);
        form.submit();
      })
      .catch(() => {
        problem.textContent = form.dataset.failed ?? "";
        problem.hidden = false;
        button.disabled = false;
      });
  });
}
