// One file on its way, and its row on the page.
//
// waiting -> sending <-> paused | offline | retrying -> arrived | refused | cancelled; `lost` waits for the person.
const STALLED = 30000;

export class FileUpload {
  constructor(file, row, desk) {
    this.file = file;
    this.row = row;
    this.desk = desk;
    this.size = file.size;
    this.sent = 0;
    this.parts = Object.fromEntries(
      [...row.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]),
    );
    this.parts.name.textContent = file.name;
    this.parts.bar.max = file.size || 1;
    this.parts.bar.setAttribute("aria-label", file.name);
    for (const [part, word] of [
      ["pause", "pause_name"],
      ["resume", "resume_name"],
      ["cancel", "cancel_name"],
    ]) {
      this.parts[part].setAttribute("aria-label", desk.word(word, { name: file.name }));
    }
    this.parts.pause.addEventListener("click", () => this.pause());
    this.parts.resume.addEventListener("click", () => this.start());
    this.parts.cancel.addEventListener("click", () => this.ask(true));
    this.parts.no.addEventListener("click", () => this.ask(false));
    this.parts.yes.addEventListener("click", () => this.cancel());
    this.show("waiting", desk.word("waiting"));
  }

  get isBusy() {
    return ["sending", "retrying", "offline"].includes(this.state);
  }

  get isFinal() {
    return ["arrived", "refused", "cancelled"].includes(this.state);
  }

  get isUnderWay() {
    return this.isBusy || ["waiting", "paused", "lost"].includes(this.state);
  }

  async start() {
    const again = this.upload !== undefined;
    this.show("sending", this.desk.word("starting"));
    if (!again) {
      this.upload = await this.desk.uploadFor(this.file, {
        onUploadUrlAvailable: () => this.begun(),
        onProgress: (sent) => this.progress(sent),
        onSuccess: () => this.arrive(),
        onError: (error) => this.fail(error),
        onShouldRetry: (error, attempt) => this.mayRetry(error, attempt),
      });
      const [earlier] = await this.upload.findPreviousUploads();
      if (earlier) this.upload.resumeFromPreviousUpload(earlier);
      this.resuming = Boolean(earlier);
    }
    if (this.state !== "sending" || this.creating) return;
    this.creating = !this.upload.url;
    this.upload.start();
    this.watch();
  }

  // Until the server has answered where the file goes, nothing is aborted: an upload would stay behind there that
  // nobody knows of.
  begun() {
    this.creating = false;
    if (["paused", "cancelled"].includes(this.state))
      this.upload.abort(this.state === "cancelled").catch(() => {});
  }

  async pause() {
    this.show("paused", this.desk.word("paused"));
    this.parts.resume.focus();
    clearTimeout(this.watchdog);
    if (!this.creating) await this.upload?.abort();
    this.desk.startNext();
  }

  ask(asking) {
    this.parts.ask.hidden = !asking;
    (asking ? this.parts.no : this.parts.cancel).focus();
  }

  async cancel() {
    clearTimeout(this.watchdog);
    this.sent = 0;
    this.show("cancelled", this.desk.word("cancelled"));
    this.finish();
    // Tells the server too; should the line be down, what had arrived expires there by itself.
    if (!this.creating) await this.upload?.abort(true).catch(() => {});
  }

  goOffline() {
    if (!["sending", "retrying"].includes(this.state)) return;
    clearTimeout(this.watchdog);
    this.show("offline", this.desk.word("offline"));
    this.creating = false;
    this.upload?.abort();
  }

  comeOnline() {
    if (["offline", "lost", "retrying"].includes(this.state)) this.restart();
  }

  letGo() {
    clearTimeout(this.watchdog);
    clearTimeout(this.countdown);
    this.upload?.abort();
  }

  async restart() {
    clearTimeout(this.countdown);
    this.creating = false;
    await this.upload?.abort();
    this.start();
  }

  progress(sent) {
    if (this.state !== "sending" && this.state !== "retrying") return;
    clearTimeout(this.countdown);
    this.sent = sent;
    this.parts.bar.value = sent;
    const values = { done: this.desk.size(sent), size: this.desk.size(this.size) };
    this.show("sending", this.desk.word(this.resuming ? "resumed" : "sending", values));
    this.resuming = false;
    this.desk.showOverall();
    this.watch();
  }

  arrive() {
    clearTimeout(this.watchdog);
    this.sent = this.size;
    this.show("arrived", this.desk.word("arrived"));
    this.finish();
  }

  refuse(words) {
    clearTimeout(this.watchdog);
    this.sent = 0;
    this.show("refused", words || this.desk.word("failed"));
    this.finish();
  }

  fail(error) {
    this.creating = false;
    if (this.state === "cancelled") return;
    const answer = error.originalResponse;
    if (
      answer &&
      answer.getStatus() >= 400 &&
      answer.getStatus() < 500 &&
      answer.getStatus() !== 409
    ) {
      this.refuse(answer.getBody());
      return;
    }
    clearTimeout(this.watchdog);
    this.show("lost", this.desk.word("lost"));
    this.desk.say(this.desk.word("lost"));
    this.desk.startNext();
  }

  // Called by tus-js-client before it waits: refusals are final, everything else is the line.
  mayRetry(error, attempt) {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (status >= 400 && status < 500 && ![409, 423, 429].includes(status)) return false;
    this.creating = false;
    if (!["sending", "retrying"].includes(this.state)) return false;
    clearTimeout(this.watchdog);
    this.countDown(Math.ceil(this.desk.retryDelay(attempt) / 1000));
    return true;
  }

  countDown(seconds) {
    clearTimeout(this.countdown);
    if (seconds < 1) return;
    this.show("retrying", this.desk.word("retrying", { seconds: this.desk.number(seconds) }));
    this.countdown = setTimeout(() => this.countDown(seconds - 1), 1000);
  }

  // A line that dies without a word: the browser would wait for minutes.
  watch() {
    clearTimeout(this.watchdog);
    if (this.sent < this.size) this.watchdog = setTimeout(() => this.restart(), STALLED);
  }

  finish() {
    this.parts.ask.hidden = true;
    this.parts.buttons.hidden = true;
    clearTimeout(this.countdown);
    this.desk.settled(this);
  }

  show(state, words) {
    if (state !== "waiting" && !this.row.isConnected && !this.isFinal)
      this.desk.queueTarget.append(this.row);
    const changed = state !== this.state;
    this.state = state;
    this.row.dataset.state = state;
    this.parts.note.textContent = words;
    this.parts.pause.hidden = !["waiting", "sending", "retrying", "offline"].includes(state);
    this.parts.resume.hidden = !["paused", "lost"].includes(state);
    if (changed && ["arrived", "refused", "offline", "paused", "cancelled"].includes(state)) {
      this.desk.say(`${this.file.name}: ${words}`);
    }
  }
}
