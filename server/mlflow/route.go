package mlflow

import (
	"net/http"
	"sort"
	"strings"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/errs"
)

// Bounds of JSON bodies, in bytes.
const (
	// MLflow documents 1 MB for log-batch, and does not hold to it: clients send 100 long params, of which each character may be an
	// escape of six.
	maxBody = 4 << 20
	// log-inputs: one profile may be 16 MiB.
	maxInputsBody = 32 << 20
)

// route says who may make a call, how long its JSON body may be (0: it has none) and who handles it.
type route struct {
	role   token.Role
	body   int64
	handle func(c *call) error
}

func read(handle func(c *call) error) route { return route{role: token.RoleVIEWER, handle: handle} }

// ask is a query whose arguments come in a body.
func ask(handle func(c *call) error) route {
	return route{role: token.RoleVIEWER, body: maxBody, handle: handle}
}

func write(handle func(c *call) error) route {
	return route{role: token.RoleEDITOR, body: maxBody, handle: handle}
}

// administer is for calls that let the server call others: they are an admin's.
func administer(body int64, handle func(c *call) error) route {
	return route{role: token.RoleADMIN, body: body, handle: handle}
}

// methods are the routes of one path by HTTP method.
type methods map[string]route

const (
	get   = http.MethodGet
	post  = http.MethodPost
	patch = http.MethodPatch
	del   = http.MethodDelete
)

// tracking20 holds the paths below /api/2.0/mlflow/ that have no variable part.
var tracking20 = map[string]methods{
	"experiments/create":                {post: write((*call).createExperiment)},
	"experiments/get":                   {get: read((*call).getExperiment)},
	"experiments/get-by-name":           {get: read((*call).getExperimentByName)},
	"experiments/search":                {post: ask((*call).searchExperiments), get: read((*call).searchExperiments)},
	"experiments/delete":                {post: write((*call).deleteExperiment)},
	"experiments/restore":               {post: write((*call).restoreExperiment)},
	"experiments/update":                {post: write((*call).updateExperiment)},
	"experiments/set-experiment-tag":    {post: write((*call).setExperimentTag)},
	"experiments/delete-experiment-tag": {post: write((*call).deleteExperimentTag)},
	"experiments/search-datasets":       {post: ask((*call).searchDatasets)},

	"runs/create":        {post: write((*call).createRun)},
	"runs/get":           {get: read((*call).getRun)},
	"runs/update":        {post: write((*call).updateRun)},
	"runs/delete":        {post: write((*call).deleteRun)},
	"runs/restore":       {post: write((*call).restoreRun)},
	"runs/search":        {post: ask((*call).searchRuns)},
	"runs/log-metric":    {post: write((*call).logMetric)},
	"runs/log-parameter": {post: write((*call).logParam)},
	"runs/set-tag":       {post: write((*call).setTag)},
	"runs/delete-tag":    {post: write((*call).deleteTag)},
	"runs/log-batch":     {post: write((*call).logBatch)},
	"runs/log-inputs":    {post: {role: token.RoleEDITOR, body: maxInputsBody, handle: (*call).logInputs}},
	"runs/outputs":       {post: write((*call).logOutputs)},
	"runs/log-model":     {post: write((*call).logModel)},

	"metrics/get-history":               {get: read((*call).metricHistory)},
	"metrics/get-history-bulk":          {get: read((*call).metricHistoryBulk)},
	"metrics/get-history-bulk-interval": {get: read((*call).metricHistoryBulkInterval)},
	"artifacts/list":                    {get: read((*call).listRunArtifacts)},
	"artifacts/presigned-upload-url":    {post: write((*call).presignedOfRun)},
	"artifacts/presigned-download-url":  {post: ask((*call).presignedOfRun)},
	"upload-artifact":                   {post: {role: token.RoleEDITOR, handle: (*call).uploadRunArtifact}},

	"logged-models":        {post: write((*call).createLoggedModel)},
	"logged-models/search": {post: ask((*call).searchLoggedModels)},

	"webhooks": {get: administer(0, (*call).listWebhooks), post: administer(maxBody, (*call).createWebhook)},
}

// atRoot holds whole paths, which MLflow has outside of its API.
var atRoot = map[string]methods{
	"/get-artifact":                {get: read((*call).getRunArtifact), http.MethodHead: read((*call).getRunArtifact)},
	"/model-versions/get-artifact": {get: registryRead((*call).getVersionArtifact), http.MethodHead: registryRead((*call).getVersionArtifact)},
}

// AtRoot tells whether a path outside of /api/ and /ajax-api/ is one of MLflow's.
func AtRoot(path string) bool { return atRoot[path] != nil }

// tracking30 holds the paths below /api/3.0/mlflow/.
var tracking30 = map[string]methods{
	"server-info": {get: read((*call).serverInfo)},
}

// Paths with a variable part, which is call.path.
var (
	loggedModel            = methods{get: read((*call).getLoggedModel), http.MethodPatch: write((*call).finalizeLoggedModel), http.MethodDelete: {role: token.RoleEDITOR, handle: (*call).deleteLoggedModel}}
	loggedModelTags        = methods{http.MethodPatch: write((*call).setLoggedModelTags)}
	loggedModelTag         = methods{http.MethodDelete: {role: token.RoleEDITOR, handle: (*call).deleteLoggedModelTag}}
	loggedModelParams      = methods{post: write((*call).logLoggedModelParams)}
	loggedModelDirectories = methods{get: read((*call).listLoggedModelArtifacts)}
	loggedModelFile        = methods{get: read((*call).getLoggedModelArtifact), http.MethodHead: read((*call).getLoggedModelArtifact)}
	oneWebhook             = methods{
		get:               administer(0, (*call).getWebhook),
		http.MethodPatch:  administer(maxBody, (*call).updateWebhook),
		http.MethodDelete: administer(0, (*call).deleteWebhook),
	}
	webhookTest  = methods{post: administer(maxBody, (*call).testWebhook)}
	artifactList = methods{get: read((*call).listArtifacts)}
	artifactFile = methods{
		get:               read((*call).downloadArtifact),
		http.MethodHead:   read((*call).downloadArtifact),
		http.MethodPut:    {role: token.RoleEDITOR, handle: (*call).uploadArtifact},
		http.MethodDelete: {role: token.RoleEDITOR, handle: (*call).deleteArtifact},
	}
)

// What belongs to uploads in parts, and to transfers past this server.
var (
	artifactParts = map[string]methods{
		"create":   {post: write((*call).createParts)},
		"complete": {post: {role: token.RoleEDITOR, body: maxInputsBody, handle: (*call).completeParts}}, // with a signed URL for each part
		"abort":    {post: write((*call).abortParts)},
	}
	artifactPart = methods{get: read((*call).listParts), http.MethodPut: {role: token.RoleEDITOR, handle: (*call).uploadPart}}
	artifactURL  = methods{get: read((*call).presignedDownload)}
)

// routeError is the answer to a request that no route takes.
type routeError struct {
	code    code
	message string
	allow   string
}

func (e *routeError) Error() string { return e.message }

// find gives the route of a request and what the route leaves of its path.
func find(method, path string) (route, string, error) {
	api, version, rest := split(path)
	table, variable := lookup(api, version, rest)
	if AtRoot(path) {
		table = atRoot[path]
	}
	if table == nil {
		return route{}, "", unknownPath(api, rest, path)
	}
	found, ok := table[method]
	if !ok {
		allow := make([]string, 0, len(table))
		for m := range table {
			allow = append(allow, m)
		}
		sort.Strings(allow)
		return route{}, "", &routeError{
			code: errBadMethod, allow: strings.Join(allow, ", "),
			message: "This path takes " + strings.Join(allow, ", ") + ", not " + echo([]byte(method)),
		}
	}
	return found, variable, nil
}

func lookup(api, version, rest string) (methods, string) {
	switch {
	case api == "mlflow" && version == "3.0":
		return tracking30[rest], ""
	case version != "2.0":
		return nil, ""
	case api == "mlflow":
		if table, ok := tracking20[rest]; ok {
			return table, ""
		}
		if table, ok := registry20[rest]; ok {
			return table, ""
		}
		if after, ok := strings.CutPrefix(rest, "logged-models/"); ok {
			return lookupLoggedModel(after)
		}
		if after, ok := strings.CutPrefix(rest, "webhooks/"); ok {
			return lookupWebhook(after)
		}
	case api == "mlflow-artifacts":
		if rest == "artifacts" || rest == "artifacts/" {
			return artifactList, ""
		}
		part, after, _ := strings.Cut(rest, "/")
		switch part {
		case "artifacts":
			return artifactFile, after
		case "parts":
			return artifactPart, after
		case "presigned":
			return artifactURL, after
		case "mpu":
			verb, after, _ := strings.Cut(after, "/")
			return artifactParts[verb], after
		}
	}
	return nil, ""
}

func lookupLoggedModel(rest string) (methods, string) {
	id, part, _ := strings.Cut(rest, "/")
	switch {
	case id == "":
		return nil, ""
	case part == "":
		return loggedModel, id
	case part == "tags":
		return loggedModelTags, id
	case part == "params":
		return loggedModelParams, id
	case part == "artifacts/directories":
		return loggedModelDirectories, id
	case part == "artifacts/files":
		return loggedModelFile, id
	case strings.HasPrefix(part, "tags/"):
		return loggedModelTag, rest // both the id and the key
	}
	return nil, ""
}

func lookupWebhook(rest string) (methods, string) {
	id, part, more := strings.Cut(rest, "/")
	switch {
	case id == "":
		return nil, ""
	case !more:
		return oneWebhook, id
	case part == "test":
		return webhookTest, id
	}
	return nil, ""
}

// elsewhere names, by the first part of their paths, the parts of MLflow's API that Cairn does not have, and why.
var elsewhere = map[string]string{
	"traces":              "Tracing",
	"datasets":            "Evaluation datasets",
	"scorers":             "Scorers",
	"gateway":             "The AI gateway",
	"gateway-proxy":       "The AI gateway",
	"label-schemas":       "Label schemas",
	"review-queues":       "Review queues",
	"issues":              "Issues of traces",
	"prompt-optimization": "Prompt optimization",
	"workspaces":          "Workspaces",
	"jobs":                "Jobs",
	"assistant":           "The assistant",
}

// unknownPath says what a path without a route would have been.
func unknownPath(api, rest, path string) error {
	first, _, _ := strings.Cut(rest, "/")
	if api == "mlflow" || api == "mlflow-artifacts" {
		if what, ok := elsewhere[first]; ok {
			return errs.New(errs.Unsupported, "%s: this version of Cairn does not offer this part of MLflow's API", what)
		}
	}
	return &routeError{code: errNoRoute, message: "No call of MLflow's API has the path " + echo([]byte(path))}
}

// serverInfo tells the client how to transfer files: through this server, in parts when they are large, and past it where the
// store gives them itself.
func (c *call) serverInfo() error {
	o := newObject(*c.out)
	o.text("store_type", "SqlStore")
	o.boolean("artifact_serving_enabled", true)
	o.boolean("multipart_uploads_enabled", c.Artifacts.TakesParts())
	o.boolean("multipart_downloads_enabled", c.Artifacts.GivesURLs())
	for _, no := range []string{
		"workspaces_enabled", "trace_archival_enabled",
		"presigned_upload_run_id_supported", "presigned_upload_model_id_supported", "artifacts_presigned_only",
	} {
		o.boolean(no, false)
	}
	o.raw("features_enabled", func(b []byte) []byte { return append(b, `{"gateway":false}`...) })
	*c.out = o.end()
	return nil
}
