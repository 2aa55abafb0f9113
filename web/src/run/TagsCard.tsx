import { useState } from "react";
import { apiError, change } from "../api/client.ts";
import { graphql } from "../gql/index.ts";
import { tell } from "../shell/notice.ts";
import { LongText } from "../ui/LongText.tsx";
import css from "./RunPage.module.css";

const SetTagDocument = graphql(`mutation SetTag($runId: ID!, $key: String!, $value: String!) { setTag(runId: $runId, key: $key, value: $value) { runId } }`);
const DeleteTagDocument = graphql(`mutation DeleteTag($runId: ID!, $key: String!) { deleteTag(runId: $runId, key: $key) { runId } }`);

export const noteKey = "mlflow.note.content";

async function attempt(job: () => Promise<unknown>, done: () => void): Promise<boolean> {
  try {
    await job();
    done();
    return true;
  } catch (error) {
    tell(apiError(error).message, { bad: true });
    return false;
  }
}

interface Editable {
  runId: string;
  tags: readonly { key: string; value: string }[];
  mayEdit: boolean;
  changed: () => void;
}

export function TagsCard({ runId, tags, mayEdit, changed }: Editable) {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const shown = tags.filter((tag) => tag.key !== noteKey);
  return (
    <section className={`card ${css.card}`} aria-label="Tags">
      <h2>Tags</h2>
      {shown.length === 0 && <p className="quiet">This run has no tags.</p>}
      <div className={css.pairs} tabIndex={0} role="region" aria-label="List of tags">
        <dl>
          {shown.map((tag) => (
            <div key={tag.key}>
              <dt>{tag.key}</dt>
              <dd>
                <LongText text={tag.value} />
                {mayEdit && !tag.key.startsWith("mlflow.") && !tag.key.startsWith("cairn.") && (
                  <button type="button" className={`plain ${css.small}`} aria-label={`Delete the tag ${tag.key}`} onClick={() => attempt(() => change(DeleteTagDocument, { runId, key: tag.key }), changed)}>✕</button>
                )}
              </dd>
            </div>
          ))}
        </dl>
      </div>
      {mayEdit && (
        <form
          className={`row ${css.add}`}
          aria-label="Set a tag"
          onSubmit={async (event) => {
            event.preventDefault();
            if (await attempt(() => change(SetTagDocument, { runId, key, value }), changed)) {
              setKey("");
              setValue("");
            }
          }}
        >
          <input aria-label="Key" placeholder="key" required maxLength={250} value={key} onChange={(event) => setKey(event.target.value)} />
          <input aria-label="Value" placeholder="value" value={value} onChange={(event) => setValue(event.target.value)} />
          <button type="submit">Set</button>
        </form>
      )}
    </section>
  );
}

export function NoteCard({ runId, tags, mayEdit, changed }: Editable) {
  const note = tags.find((tag) => tag.key === noteKey)?.value ?? "";
  const [draft, setDraft] = useState<string>();
  if (!note && !mayEdit) return null;
  return (
    <section className={`card ${css.card}`} aria-label="Note">
      <div className="row"><h2>Note</h2><span className="spring" />{mayEdit && draft === undefined && <button type="button" onClick={() => setDraft(note)}>{note ? "Edit" : "Write"}</button>}</div>
      {draft === undefined ? <p className={css.note}>{note || <span className="quiet">none</span>}</p> : (
        <form
          onSubmit={async (event) => {
            event.preventDefault();
            if (await attempt(() => change(SetTagDocument, { runId, key: noteKey, value: draft }), changed)) setDraft(undefined);
          }}
        >
          <textarea className={css.draft} aria-label="Note" rows={6} autoFocus value={draft} onChange={(event) => setDraft(event.target.value)} />
          <div className="row"><button type="submit" className="primary">Save</button><button type="button" onClick={() => setDraft(undefined)}>Cancel</button></div>
        </form>
      )}
    </section>
  );
}
