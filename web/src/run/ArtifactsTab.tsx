import { useEffect, useState } from "react";
import { type ApiError, apiError, ask } from "../api/client.ts";
import { token } from "../api/session.ts";
import { bytes } from "../format.ts";
import { graphql } from "../gql/index.ts";
import { useStore } from "../store.ts";
import css from "./ArtifactsTab.module.css";
import { Viewer, viewerKind } from "./Viewer.tsx";

const ArtifactsDocument = graphql(`
  query Artifacts($id: ID!, $path: String!, $after: String) {
    run(id: $id) { artifacts(path: $path, first: 1000, after: $after) { pageInfo { hasNextPage endCursor } edges { node { path isDir size downloadUrl } } } }
  }
`);

const ModelArtifactsDocument = graphql(`
  query ModelArtifacts($id: ID!, $path: String!, $after: String) {
    loggedModel(id: $id) { artifacts(path: $path, first: 1000, after: $after) { pageInfo { hasNextPage endCursor } edges { node { path isDir size downloadUrl } } } }
  }
`);

interface File {
  path: string;
  isDir: boolean;
  size?: number | null | undefined;
  downloadUrl?: string | null | undefined;
}

/** Whose files are shown: a run's, or a logged model's. */
export type Owner = { run: string } | { model: string };

async function list(owner: Owner, path: string): Promise<File[]> {
  const files: File[] = [];
  let after: string | null = null;
  for (;;) {
    const page: { pageInfo: { hasNextPage: boolean; endCursor?: string | null | undefined }; edges: { node: File }[] } | undefined = "run" in owner
      ? (await ask(ArtifactsDocument, { id: owner.run, path, after })).run?.artifacts
      : (await ask(ModelArtifactsDocument, { id: owner.model, path, after })).loggedModel?.artifacts;
    if (!page) return files;
    files.push(...page.edges.map(({ node }) => node));
    if (!page.pageInfo.hasNextPage) return files;
    after = page.pageInfo.endCursor ?? null;
  }
}

/** A tree of files, read folder by folder, and the one that is chosen. */
export function ArtifactsTab({ owner, path, onPath }: { owner: Owner; path: string | undefined; onPath: (path: string) => void }) {
  const [file, setFile] = useState<File>();
  const [images, setImages] = useState<File[]>([]);
  // A file that the address names is found in its folder.
  const name = JSON.stringify(owner);
  useEffect(() => {
    if (!path) return undefined;
    let stale = false;
    list(JSON.parse(name) as Owner, path.slice(0, Math.max(0, path.lastIndexOf("/")))).then((files) => {
      if (stale) return;
      setFile(files.find((one) => one.path === path));
      setImages(files.filter((one) => !one.isDir && viewerKind(one.path) === "image"));
    }, () => {});
    return () => {
      stale = true;
    };
  }, [name, path]);
  const at = images.findIndex((one) => one.path === path);
  return (
    <div className={css.artifacts}>
      <nav aria-label="Files" className={`card ${css.tree}`}><Folder owner={owner} path="" chosen={path} onPath={onPath} /></nav>
      <div className={css.side}>
        {at >= 0 && images.length > 1 && (
          <div className="row" role="group" aria-label="Images of this folder">
            <button type="button" disabled={at === 0} onClick={() => onPath(images[at - 1]?.path ?? "")}>← Previous image</button>
            <button type="button" disabled={at === images.length - 1} onClick={() => onPath(images[at + 1]?.path ?? "")}>Next image →</button>
            <span className="quiet">{at + 1} of {images.length}</span>
          </div>
        )}
        {path && file?.path === path && file.downloadUrl && <Viewer key={path} path={path} size={Number(file.size ?? 0)} url={file.downloadUrl} />}
        {!path && <p className="quiet">Choose a file to see it.</p>}
      </div>
    </div>
  );
}

function Folder({ owner, path, chosen, onPath }: { owner: Owner; path: string; chosen: string | undefined; onPath: (path: string) => void }) {
  const [files, setFiles] = useState<File[]>();
  const [problem, setProblem] = useState<ApiError>();
  const secret = useStore(token);
  const name = JSON.stringify(owner);
  useEffect(() => {
    let stale = false;
    list(JSON.parse(name) as Owner, path).then((all) => {
      if (!stale) setFiles(all);
    }, (error: unknown) => {
      if (!stale) setProblem(apiError(error));
    });
    return () => {
      stale = true;
    };
  }, [name, path, secret]);
  if (problem) return <p className="problem" role="alert">{problem.message}</p>;
  if (!files) return null;
  if (files.length === 0) return <p className="quiet">{path ? "empty" : "There are no files."}</p>;
  return <ul className={css.folder}>{files.map((file) => <Entry key={file.path} owner={owner} file={file} chosen={chosen} onPath={onPath} />)}</ul>;
}

function Entry({ owner, file, chosen, onPath }: { owner: Owner; file: File; chosen: string | undefined; onPath: (path: string) => void }) {
  const [open, setOpen] = useState(chosen?.startsWith(`${file.path}/`) ?? false);
  const base = file.path.slice(file.path.lastIndexOf("/") + 1);
  if (!file.isDir) {
    return (
      <li>
        <button type="button" className={`plain ${css.entry}`} aria-current={chosen === file.path || undefined} onClick={() => onPath(file.path)}>
          <span className={css.name}>{base}</span> <span className="quiet">{bytes(Number(file.size ?? 0))}</span>
        </button>
      </li>
    );
  }
  return (
    <li>
      <button type="button" className={`plain ${css.entry}`} aria-expanded={open} onClick={() => setOpen(!open)}><span aria-hidden="true">{open ? "▾" : "▸"}</span> <span className={css.name}>{base}/</span></button>
      {open && <Folder owner={owner} path={file.path} chosen={chosen} onPath={onPath} />}
    </li>
  );
}
