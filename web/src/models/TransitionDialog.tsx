import { useEffect, useState } from "react";
import { type ApiError, apiError, change } from "../api/client.ts";
import { graphql } from "../gql/index.ts";
import { tell } from "../shell/notice.ts";
import { Dialog } from "../ui/Dialog.tsx";

const TransitionDocument = graphql(`
  mutation Transition($input: TransitionModelVersionStageInput!) {
    transitionModelVersionStage(input: $input) { version stage }
  }
`);

const RollbackDocument = graphql(`
  mutation Rollback($name: String!, $stage: String!, $reason: String!, $dryRun: Boolean!) {
    rollbackModelStage(name: $name, stage: $stage, reason: $reason, dryRun: $dryRun) { version stage }
  }
`);

const stages = ["Staging", "Production", "Archived", "None"];

interface Props {
  name: string;
  onDone: () => void;
  onClose: () => void;
}

/** Moves a version to a stage, for a reason. The server says beforehand whether the rules allow it. */
export function TransitionDialog({ name, version, from, onDone, onClose }: Props & { version: number; from: string }) {
  const [stage, setStage] = useState(stages.find((one) => one !== from) ?? "Staging");
  const [reason, setReason] = useState("");
  const [archive, setArchive] = useState(true);
  const [problem, setProblem] = useState<ApiError>();
  const archives = archive && (stage === "Production" || stage === "Staging");
  useEffect(() => {
    let stale = false;
    change(TransitionDocument, { input: { name, version, stage, archiveExistingVersions: archives, dryRun: true } }).then(() => {
      if (!stale) setProblem(undefined);
    }, (error: unknown) => {
      if (!stale) setProblem(apiError(error));
    });
    return () => {
      stale = true;
    };
  }, [name, version, stage, archives]);
  return (
    <Dialog title={`Move version ${version} of ${name}`} onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          try {
            await change(TransitionDocument, { input: { name, version, stage, reason, archiveExistingVersions: archives } });
            tell(`Version ${version} is in ${stage} now.`);
            onDone();
          } catch (error) {
            setProblem(apiError(error));
          }
        }}
      >
        <label>To the stage
          <select value={stage} onChange={(event) => setStage(event.target.value)}>{stages.filter((one) => one !== from).map((one) => <option key={one}>{one}</option>)}</select>
        </label>
        <label>Reason
          <textarea required rows={3} maxLength={8000} value={reason} placeholder="Kept in the history, with your name" onChange={(event) => setReason(event.target.value)} />
        </label>
        {(stage === "Production" || stage === "Staging") && <label><input type="checkbox" checked={archive} onChange={(event) => setArchive(event.target.checked)} /> archive what is in {stage} now</label>}
        {problem && <p className="problem" role="alert">{problem.message}</p>}
        <div className="row"><button type="submit" className="primary">Move to {stage}</button><button type="button" onClick={onClose}>Cancel</button></div>
      </form>
    </Dialog>
  );
}

/** Brings back the version that was in Production before. It is a transition like any other, and stands in the history. */
export function RollbackDialog({ name, onDone, onClose }: Props) {
  const [reason, setReason] = useState("");
  const [target, setTarget] = useState<number>();
  const [problem, setProblem] = useState<ApiError>();
  useEffect(() => {
    let stale = false;
    change(RollbackDocument, { name, stage: "Production", reason: "", dryRun: true }).then(({ rollbackModelStage }) => {
      if (!stale) setTarget(rollbackModelStage.version);
    }, (error: unknown) => {
      if (!stale) setProblem(apiError(error));
    });
    return () => {
      stale = true;
    };
  }, [name]);
  return (
    <Dialog title={`Roll back ${name}`} onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          try {
            const { rollbackModelStage } = await change(RollbackDocument, { name, stage: "Production", reason, dryRun: false });
            tell(`Version ${rollbackModelStage.version} is in Production again.`);
            onDone();
          } catch (error) {
            setProblem(apiError(error));
          }
        }}
      >
        {target !== undefined && <p>Version {target} comes back into Production.</p>}
        <label>Reason
          <textarea required rows={3} maxLength={8000} value={reason} placeholder="Kept in the history, with your name" onChange={(event) => setReason(event.target.value)} />
        </label>
        {problem && <p className="problem" role="alert">{problem.message}</p>}
        <div className="row"><button type="submit" className="primary" disabled={target === undefined}>Roll back</button><button type="button" onClick={onClose}>Cancel</button></div>
      </form>
    </Dialog>
  );
}
