import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type ApiError, apiError, change } from "../api/client.ts";
import { graphql } from "../gql/index.ts";
import { Dialog } from "../ui/Dialog.tsx";

const RegisterDocument = graphql(`
  mutation Register($input: CreateModelVersionInput!) {
    createModelVersion(input: $input) { name version }
  }
`);

/** Registers a model of a run as a version, of a registered model that there is or that is made. */
export function RegisterDialog({ modelId, suggested, onClose }: { modelId: string; suggested: string; onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState(suggested);
  const [description, setDescription] = useState("");
  const [problem, setProblem] = useState<ApiError>();
  return (
    <Dialog title="Register this model" onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          try {
            const { createModelVersion } = await change(RegisterDocument, { input: { name, description, source: `models:/${modelId}`, createModel: true } });
            navigate({ to: "/models/$name", params: { name: createModelVersion.name } });
          } catch (error) {
            setProblem(apiError(error));
          }
        }}
      >
        <label>Name of the registered model<input required maxLength={256} value={name} onChange={(event) => setName(event.target.value)} /></label>
        <label>Description<textarea rows={3} value={description} onChange={(event) => setDescription(event.target.value)} /></label>
        {problem && <p className="problem" role="alert">{problem.message}</p>}
        <div className="row"><button type="submit" className="primary">Register</button><button type="button" onClick={onClose}>Cancel</button></div>
      </form>
    </Dialog>
  );
}
