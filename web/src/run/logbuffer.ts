// Console output as lines. A carriage return begins its line again, as terminals have it, so that a progress bar is one line; what
// colours the text is left out.

export interface LogLine {
  text: string;
  error: boolean;
}

const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g; // eslint-disable-line no-control-regex -- these are what is looked for
const cutEscape = /\u001b(?:\[[0-?]*[ -/]*|\][^\u0007\u001b]*)?$/; // eslint-disable-line no-control-regex -- as above
const longestLine = 10_000;

interface Stream {
  /** What of a line was written so far, and its place, while it has no end. */
  open: LogLine | undefined;
  /** The beginning of an escape sequence that the next piece ends. */
  rest: string;
  /** A carriage return came: what is written next begins the line again. */
  again: boolean;
}

export class LogBuffer {
  lines: LogLine[] = [];
  /** Lines that were dropped at the beginning. */
  dropped = 0;
  private readonly most: number;
  private readonly streams: [Stream, Stream] = [{ open: undefined, rest: "", again: false }, { open: undefined, rest: "", again: false }];

  constructor(most = 50_000) {
    this.most = most;
  }

  add(text: string, error: boolean): void {
    const stream = this.streams[error ? 1 : 0];
    let all = stream.rest + text;
    stream.rest = cutEscape.exec(all)?.[0] ?? "";
    all = all.slice(0, all.length - stream.rest.length).replace(escapes, "");
    for (const part of all.split(/(\r\n|\n|\r)/)) {
      if (part === "\n" || part === "\r\n") {
        if (!stream.open) this.lines.push({ text: "", error });
        stream.open = undefined;
        stream.again = false;
      } else if (part === "\r") stream.again = true;
      else if (part !== "") {
        if (!stream.open) {
          stream.open = { text: "", error };
          this.lines.push(stream.open);
        }
        stream.open.text = (stream.again ? "" : stream.open.text) + part;
        if (stream.open.text.length > longestLine) stream.open.text = `${stream.open.text.slice(0, longestLine)}…`;
        stream.again = false;
      }
    }
    if (this.lines.length > this.most * 1.1) {
      this.dropped += this.lines.length - this.most;
      this.lines = this.lines.slice(-this.most);
    }
  }
}
