package mlflow

import (
	"errors"
	"math"
	"strconv"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
)

// registry20 holds the paths of the model registry below /api/2.0/mlflow/.
var registry20 = map[string]methods{
	"registered-models/create":              {post: registryWrite((*call).createRegisteredModel)},
	"registered-models/get":                 {get: registryRead((*call).getRegisteredModel)},
	"registered-models/update":              {patch: registryWrite((*call).updateRegisteredModel)},
	"registered-models/rename":              {post: registryWrite((*call).renameRegisteredModel)},
	"registered-models/delete":              {del: registryWrite((*call).deleteRegisteredModel)},
	"registered-models/search":              {get: registryRead((*call).searchRegisteredModels)},
	"registered-models/get-latest-versions": {post: registryAsk((*call).latestVersions), get: registryRead((*call).latestVersions)},
	"registered-models/set-tag":             {post: registryWrite((*call).setRegisteredModelTag)},
	"registered-models/delete-tag":          {del: registryWrite((*call).deleteRegisteredModelTag)},
	"registered-models/alias": {
		post: registryWrite((*call).setAlias), del: registryWrite((*call).deleteAlias), get: registryRead((*call).versionByAlias),
	},

	"model-versions/create":           {post: registryWrite((*call).createModelVersion)},
	"model-versions/get":              {get: registryRead((*call).getModelVersion)},
	"model-versions/update":           {patch: registryWrite((*call).updateModelVersion)},
	"model-versions/delete":           {del: registryWrite((*call).deleteModelVersion)},
	"model-versions/search":           {get: registryRead((*call).searchModelVersions)},
	"model-versions/set-tag":          {post: registryWrite((*call).setModelVersionTag)},
	"model-versions/delete-tag":       {del: registryWrite((*call).deleteModelVersionTag)},
	"model-versions/transition-stage": {post: registryWrite((*call).transitionStage)},
	"model-versions/get-download-uri": {get: registryRead((*call).downloadURI)},
}

func registryRead(handle func(c *call) error) route { return read(inRegistry(handle)) }

func registryAsk(handle func(c *call) error) route { return ask(inRegistry(handle)) }

func registryWrite(handle func(c *call) error) route {
	return route{role: token.RoleEDITOR, body: maxBody, handle: inRegistry(handle)}
}

// registryNames are the core's names of arguments where MLflow has others.
var registryNames = map[string]string{
	"newName": "new_name", "archiveExistingVersions": "archive_existing_versions", "uri": "source",
}

// inRegistry tells the errors of the core's registry in MLflow's words.
func inRegistry(handle func(c *call) error) func(c *call) error {
	return func(c *call) error {
		err := handle(c)
		switch {
		case errs.Is(err, errs.Conflict):
			return &conflictError{err}
		case errors.Is(err, registry.ErrNoAlias):
			// MLflow's code. Scripts that set an alias where there is none yet look for it; GraphQL says not found.
			err = errs.New(errs.Invalid, "%v", err)
		}
		return renamed(err, func(core string) string {
			if ours, ok := registryNames[core]; ok {
				return ours
			}
			return core
		})
	}
}

// versionNumber gives the number of a version that may exist. MLflow says of others that they are not found, and so do we.
func versionNumber(name string, n integer) (int, error) {
	if n.value < 1 || n.value > math.MaxInt32 {
		return 0, errs.New(errs.NotFound, "Model Version (name=%.260s, version=%d) not found", name, n.value)
	}
	return int(n.value), nil
}

// versionView has what versions show beside their own rows.
type versionView struct {
	tags    map[int][]*ent.ModelVersionTag
	aliases map[int]map[int][]string // of models, by version
}

func (c *call) viewVersions(versions []*ent.ModelVersion) (v versionView, err error) {
	ids, models := make([]int, len(versions)), make([]int, 0, len(versions))
	seen := make(map[int]bool, len(versions))
	for i, version := range versions {
		ids[i] = version.ID
		if !seen[version.RegisteredModelID] {
			seen[version.RegisteredModelID] = true
			models = append(models, version.RegisteredModelID)
		}
	}
	if v.tags, err = c.Registry.VersionTagsOf(c, ids); err != nil {
		return v, err
	}
	aliases, err := c.Registry.AliasesOf(c, models)
	v.aliases = make(map[int]map[int][]string, len(aliases))
	for model, list := range aliases {
		v.aliases[model] = map[int][]string{}
		for _, a := range list {
			v.aliases[model][a.Version] = append(v.aliases[model][a.Version], a.Alias)
		}
	}
	return v, err
}

func (v *versionView) append(b []byte, version *ent.ModelVersion) []byte {
	o := newObject(b)
	o.text("name", version.Edges.RegisteredModel.Name)
	o.text("version", strconv.Itoa(version.Version))
	o.integer("creation_timestamp", version.CreatedAt)
	o.integer("last_updated_timestamp", version.UpdatedAt)
	o.text("user_id", version.CreatedBy)
	o.text("current_stage", version.Stage)
	o.text("description", version.Description)
	o.text("source", version.Source)
	o.text("run_id", version.RunID)
	o.text("status", string(version.Status))
	o.textIf("status_message", version.StatusMessage)
	list(&o, "tags", v.tags[version.ID], func(b []byte, t *ent.ModelVersionTag) []byte { return appendPair(b, t.Key, t.Value) })
	o.text("run_link", version.RunLink)
	list(&o, "aliases", v.aliases[version.RegisteredModelID][version.Version], appendString)
	o.textIf("model_id", version.ModelID)
	return o.end()
}

// answerVersion answers with one version, unless there was an error.
func (c *call) answerVersion(version *ent.ModelVersion, err error) error {
	if err != nil {
		return err
	}
	view, err := c.viewVersions([]*ent.ModelVersion{version})
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.raw("model_version", func(b []byte) []byte { return view.append(b, version) })
	*c.out = o.end()
	return nil
}

// answerVersions answers with a list of versions and the token of the next page.
func (c *call) answerVersions(versions []*ent.ModelVersion, next string) error {
	view, err := c.viewVersions(versions)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	list(&o, "model_versions", versions, view.append)
	o.textIf("next_page_token", next)
	*c.out = o.end()
	return nil
}

// modelView has what registered models show beside their own rows.
type modelView struct {
	tags    map[int][]*ent.RegisteredModelTag
	aliases map[int][]*ent.ModelAlias
	latest  map[int][]*ent.ModelVersion
	versionView
}

func (c *call) viewModels(models []*ent.RegisteredModel) (v modelView, err error) {
	ids := make([]int, len(models))
	for i, m := range models {
		ids[i] = m.ID
	}
	if v.tags, err = c.Registry.ModelTagsOf(c, ids); err != nil {
		return v, err
	}
	if v.aliases, err = c.Registry.AliasesOf(c, ids); err != nil {
		return v, err
	}
	if v.latest, err = c.Registry.LatestVersionsOf(c, ids, nil); err != nil {
		return v, err
	}
	var versions []*ent.ModelVersion
	for _, m := range models {
		versions = append(versions, v.latest[m.ID]...)
	}
	v.versionView, err = c.viewVersions(versions)
	return v, err
}

func (v *modelView) append(b []byte, m *ent.RegisteredModel) []byte {
	o := newObject(b)
	o.text("name", m.Name)
	o.integer("creation_timestamp", m.CreatedAt)
	o.integer("last_updated_timestamp", m.UpdatedAt)
	o.text("user_id", m.CreatedBy)
	o.textIf("description", m.Description)
	list(&o, "latest_versions", v.latest[m.ID], v.versionView.append)
	list(&o, "tags", v.tags[m.ID], func(b []byte, t *ent.RegisteredModelTag) []byte { return appendPair(b, t.Key, t.Value) })
	list(&o, "aliases", v.aliases[m.ID], func(b []byte, a *ent.ModelAlias) []byte {
		o := newObject(b)
		o.text("alias", a.Alias)
		o.text("version", strconv.Itoa(a.Version))
		return o.end()
	})
	return o.end()
}

// answerModel answers with one registered model, unless there was an error.
func (c *call) answerModel(m *ent.RegisteredModel, err error) error {
	if err != nil {
		return err
	}
	view, err := c.viewModels([]*ent.RegisteredModel{m})
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.raw("registered_model", func(b []byte) []byte { return view.append(b, m) })
	*c.out = o.end()
	return nil
}
