import { useEffect, useState } from "react";
import { type ApiError, apiError, download } from "../api/client.ts";
import { bytes, count } from "../format.ts";
import { saveFile } from "../ui/save.ts";
import { parseTable } from "./csvtable.ts";
import css from "./ArtifactsTab.module.css";

export type ViewerKind = "image" | "table" | "json" | "html" | "audio" | "video" | "text" | "none";

const kinds: [RegExp, ViewerKind][] = [
  [/\.(png|jpe?g|gif|webp|avif|bmp|svg|ico)$/i, "image"],
  [/\.(csv|tsv)$/i, "table"],
  [/\.(json|geojson|ipynb)$/i, "json"],
  [/\.html?$/i, "html"],
  [/\.(mp3|wav|ogg|flac|m4a)$/i, "audio"],
  [/\.(mp4|webm|mov)$/i, "video"],
  [/(\.(txt|log|md|py|go|js|ts|r|sh|sql|ya?ml|toml|ini|cfg|xml|diff|patch|lock|env|dot|jsonl)|(^|\/)(MLmodel|MLproject|Dockerfile|Makefile|README|LICENSE)[^/.]*)$/i, "text"],
];

export const viewerKind = (path: string): ViewerKind => kinds.find(([pattern]) => pattern.test(path))?.[1] ?? "none";

// What a browser makes of a blob is decided here, never by the file: an SVG as an image runs no script.
const types: Record<string, string> = { svg: "image/svg+xml", mp4: "video/mp4", webm: "video/webm", mp3: "audio/mpeg", wav: "audio/wav", ogg: "audio/ogg", flac: "audio/flac" };

const mostTextBytes = 1 << 20;
const mostMediaBytes = 64 << 20;

interface Content {
  text: string;
  url: string;
}

export function Viewer({ path, size, url }: { path: string; size: number; url: string }) {
  const kind = viewerKind(path);
  const media = kind === "image" || kind === "audio" || kind === "video";
  const tooLarge = size > (media ? mostMediaBytes : mostTextBytes);
  const [content, setContent] = useState<Content>();
  const [problem, setProblem] = useState<ApiError>();
  useEffect(() => {
    if (kind === "none" || tooLarge) return undefined;
    const gone = new AbortController();
    let made = "";
    download(url, gone.signal).then(async (answer) => {
      if (media) {
        const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
        made = URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: types[extension] ?? "" }));
        setContent({ text: "", url: made });
      } else setContent({ text: await answer.text(), url: "" });
    }).catch((error: unknown) => {
      if (!gone.signal.aborted) setProblem(apiError(error));
    });
    return () => {
      gone.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [kind, media, path, tooLarge, url]);

  const name = path.slice(path.lastIndexOf("/") + 1);
  const save = () => {
    download(url).then(async (answer) => saveFile(await answer.blob(), "application/octet-stream", name)).catch((error: unknown) => setProblem(apiError(error)));
  };
  return (
    <section className={css.viewer} aria-label={`File ${path}`}>
      <div className="row">
        <h2 className={css.path}>{path}</h2>
        <span className="quiet">{bytes(size)}</span>
        <span className="spring" />
        <button type="button" onClick={save}>Download</button>
      </div>
      {problem && <p className="problem" role="alert">{problem.message}</p>}
      {kind === "none" && <p className="quiet">Files of this kind are not shown.</p>}
      {kind !== "none" && tooLarge && <p className="quiet">This file is larger than {bytes(media ? mostMediaBytes : mostTextBytes)}, and not shown.</p>}
      {content && <Shown kind={kind} name={name} content={content} />}
    </section>
  );
}

function Shown({ kind, name, content }: { kind: ViewerKind; name: string; content: Content }) {
  const { text, url } = content;
  switch (kind) {
    case "image": return <div className={css.image}><img src={url} alt={name} /></div>;
    case "audio": return <audio controls src={url} aria-label={name} />; // eslint-disable-line jsx-a11y/media-has-caption -- a user's recording has none
    case "video": return <video controls src={url} aria-label={name} className={css.video} />; // eslint-disable-line jsx-a11y/media-has-caption -- as above
    // In a sandbox of its own origin, without scripts, and below this page's policy, which it inherits: neither would run any.
    case "html": return <iframe className={css.frame} title={name} sandbox="" srcDoc={text} />;
    case "table": return <Table text={text} separator={name.toLowerCase().endsWith(".tsv") ? "\t" : ","} />;
    case "json": return <pre className={css.text} tabIndex={0} role="region" aria-label={`Content of ${name}`}>{pretty(text)}</pre>;
    default: return <pre className={css.text} tabIndex={0} role="region" aria-label={`Content of ${name}`}>{text}</pre>;
  }
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Table({ text, separator }: { text: string; separator: string }) {
  const { rows, cut } = parseTable(text, separator);
  const [head, ...body] = rows;
  return (
    <>
      <div className={css.text} tabIndex={0} role="region" aria-label="Table">
        <table className="plain">
          <thead><tr>{head?.map((cell, index) => <th key={index} scope="col">{cell}</th>)}</tr></thead>
          <tbody>{body.map((row, index) => <tr key={index}>{row.map((cell, at) => <td key={at}>{cell}</td>)}</tr>)}</tbody>
        </table>
      </div>
      {cut && <p className="quiet">The first {count(body.length)} rows.</p>}
    </>
  );
}
