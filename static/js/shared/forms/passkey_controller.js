import { controllerOf } from "../stimulus.js";

// Makes a passkey, or signs in with one (WebAuthn), and sends the answer with the form. Options and
// answers are JSON with base64url, as WebAuthn Level 3 § 5.1 writes them. They are converted here
// because Safari has parseCreationOptionsFromJSON and toJSON only from version 18.4 on.
export default class extends controllerOf({
  targets: { form: HTMLFormElement, answer: HTMLInputElement, words: HTMLElement },
  values: { options: Object, failed: String },
}) {
  /** @param {Event} event */
  async create(event) {
    event.preventDefault();
    const options = /** @type {any} */ (this.optionsValue);
    await this.send(async () => {
      const made = await navigator.credentials.create({
        publicKey: {
          ...options,
          challenge: toBytes(options.challenge),
          user: { ...options.user, id: toBytes(options.user.id) },
          excludeCredentials: toDescriptors(options.excludeCredentials),
        },
      });
      const passkey = /** @type {PublicKeyCredential} */ (made);
      const response = /** @type {AuthenticatorAttestationResponse} */ (passkey.response);
      return {
        ...describe(passkey),
        response: {
          clientDataJSON: toText(response.clientDataJSON),
          attestationObject: toText(response.attestationObject),
          transports: response.getTransports?.() ?? [],
        },
      };
    });
  }

  async get() {
    const options = /** @type {any} */ (this.optionsValue);
    await this.send(async () => {
      const proof = await navigator.credentials.get({
        publicKey: {
          ...options,
          challenge: toBytes(options.challenge),
          allowCredentials: toDescriptors(options.allowCredentials),
        },
      });
      const passkey = /** @type {PublicKeyCredential} */ (proof);
      const response = /** @type {AuthenticatorAssertionResponse} */ (passkey.response);
      return {
        ...describe(passkey),
        response: {
          clientDataJSON: toText(response.clientDataJSON),
          authenticatorData: toText(response.authenticatorData),
          signature: toText(response.signature),
          userHandle: response.userHandle ? toText(response.userHandle) : null,
        },
      };
    });
  }

  /** @param {() => Promise<object>} ask */
  async send(ask) {
    this.wordsTarget.hidden = true;
    try {
      this.answerTarget.value = JSON.stringify(await ask());
    } catch {
      // No passkey, no permission, or the person closed the browser's question.
      this.wordsTarget.textContent = this.failedValue;
      this.wordsTarget.hidden = false;
      return;
    }
    this.formTarget.requestSubmit();
  }
}

/** @param {PublicKeyCredential} passkey */
function describe(passkey) {
  return {
    id: passkey.id,
    rawId: toText(passkey.rawId),
    type: passkey.type,
    authenticatorAttachment: passkey.authenticatorAttachment,
    clientExtensionResults: passkey.getClientExtensionResults(),
  };
}

/** @param {{ id: string, type: string, transports?: string[] }[]} [known] */
function toDescriptors(known = []) {
  return /** @type {PublicKeyCredentialDescriptor[]} */ (
    known.map((one) => ({ ...one, id: toBytes(one.id) }))
  );
}

/** @param {string} text */
function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

/** @param {ArrayBuffer} bytes */
function toText(bytes) {
  const plain = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
