// A server of tus 1.0.0 (creation and core) in the place of tus-js-client's HTTP: it keeps what
// arrives, and a test can cut the connection.

export class FakeTusServer {
  constructor() {
    /** @type {Map<string, { length: number, metadata: string, received: number[] }>} by address */
    this.uploads = new Map();
    this.requests = [];
    /**
     * Called before each request is answered; may throw for a lost connection or return { status,
     * body }.
     */
    this.intercept = () => null;
    /** How many bytes of each PATCH arrive before the connection is lost; null for all. */
    this.losesAfter = null;
  }

  getName() {
    return "FakeTusServer";
  }

  createRequest(method, url) {
    return new FakeTusRequest(this, method, url);
  }

  /** @returns {Promise<{ status: number, headers?: object, body?: string }>} */
  async answer(method, url, headers, body) {
    const { headers: said = {}, ...rest } = await this._answer(method, url, headers, body);
    return { ...rest, headers: { "Tus-Resumable": "1.0.0", ...said } };
  }

  async _answer(method, url, headers, body) {
    const request = { method, url, offset: headers["Upload-Offset"], headers };
    this.requests.push(request);
    const instead = await this.intercept(request);
    if (instead) return instead;
    if (method === "POST") return this._create(headers, body);
    const upload = this.uploads.get(url);
    if (!upload) return { status: 404 };
    if (method === "DELETE") {
      this.uploads.delete(url);
      return { status: 204 };
    }
    if (method === "PATCH") {
      const bytes = [...new Uint8Array(await body.arrayBuffer())];
      const arriving = this.losesAfter === null ? bytes : bytes.slice(0, this.losesAfter);
      upload.received.push(...arriving);
      if (this.losesAfter !== null) {
        this.losesAfter = null;
        throw new Error("the connection was lost");
      }
    }
    const counts = { "Upload-Offset": upload.received.length, "Upload-Length": upload.length };
    return { status: method === "HEAD" ? 200 : 204, headers: counts };
  }

  async _create(headers, body) {
    const url = `http://clinic.test/uploads/${this.uploads.size + 1}`;
    const { "Upload-Length": length, "Upload-Metadata": metadata } = headers;
    this.uploads.set(url, { length: Number(length), metadata, received: [] });
    const bytes = body ? [...new Uint8Array(await body.arrayBuffer())] : [];
    this.uploads.get(url).received.push(...bytes);
    return { status: 201, headers: { Location: url, "Upload-Offset": bytes.length } };
  }
}

class FakeTusRequest {
  constructor(server, method, url) {
    this._server = server;
    this._method = method;
    this._url = url;
    this._headers = {};
    this._onProgress = () => {};
  }

  getMethod() {
    return this._method;
  }

  getURL() {
    return this._url;
  }

  getHeader(name) {
    return this._headers[name];
  }

  setHeader(name, value) {
    this._headers[name] = value;
  }

  setProgressHandler(onProgress) {
    this._onProgress = onProgress;
  }

  async send(body) {
    const answer = await this._server.answer(this._method, this._url, this._headers, body);
    if (this._isAborted) return new Promise(() => {});
    if (body) this._onProgress(body.size);
    const { status, headers = {}, body: text = "" } = answer;
    return {
      getStatus: () => status,
      getHeader: (name) => (name in headers ? String(headers[name]) : undefined),
      getBody: () => text,
    };
  }

  async abort() {
    this._isAborted = true;
  }

  getUnderlyingObject() {
    return null;
  }
}
