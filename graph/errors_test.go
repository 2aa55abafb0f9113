package graph_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

const logBatch = `mutation($i: LogBatchInput!) { logBatch(input: $i) { stored } }`

// What is wrong with the input is said with the field and the rule, and nothing is stored of it.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	run := s.newRun(tracking.CreateRun{})
	must[any](s, logBatch, vars{"i": vars{"runId": run, "params": []vars{{"key": "p", "value": "1"}}}})
	unknown := strings.Repeat("0", 32)
	for name, c := range map[string]struct {
		query             string
		v                 vars
		code, field, says string
		status            int
	}{
		"unknown run":         {logBatch, vars{"i": vars{"runId": unknown}}, "NOT_FOUND", "", "not found", 200},
		"malformed run":       {logBatch, vars{"i": vars{"runId": "x"}}, "INVALID_ARGUMENT", "runId", "runId: \"x\" is not a run's id", 200},
		"unknown model":       {logBatch, vars{"i": vars{"runId": run, "metrics": []vars{{"key": "m", "value": 1, "modelId": "m-" + unknown}}}}, "NOT_FOUND", "", "m-" + unknown, 200},
		"malformed model":     {logBatch, vars{"i": vars{"runId": run, "metrics": []vars{{"key": "m", "value": 1, "modelId": "x"}}}}, "INVALID_ARGUMENT", "metrics[0].modelId", "is not", 200},
		"a value of abc":      {logBatch, vars{"i": vars{"runId": run, "metrics": []vars{{"key": "m", "value": 1}, {"key": "m", "value": "abc"}}}}, "INVALID_ARGUMENT", "metrics[1].value", `"abc" is not a metric value`, 200},
		"a step of abc":       {logBatch, vars{"i": vars{"runId": run, "metrics": []vars{{"key": "m", "value": 1, "step": "abc"}}}}, "INVALID_ARGUMENT", "metrics[0].step", `"abc" is not an integer or a decimal`, 200},
		"a time of abc":       {logBatch, vars{"i": vars{"runId": run, "metrics": []vars{{"key": "m", "value": 1, "time": "abc"}}}}, "INVALID_ARGUMENT", "metrics[0].time", "RFC 3339", 200},
		"an array of abc":     {logBatch, vars{"i": vars{"runId": run, "columns": []vars{{"key": "m", "steps": "abc", "times": "", "values": ""}}}}, "INVALID_ARGUMENT", "columns[0].steps", "not base64", 200},
		"uneven columns":      {logBatch, vars{"i": vars{"runId": run, "columns": []vars{{"key": "m", "steps": packInts(1, 2), "times": packInts(1), "values": pack(1)}}}}, "INVALID_ARGUMENT", "columns[0]", "2 steps, 1 times and 1 values", 200},
		"a step scale of 7":   {logBatch, vars{"i": vars{"runId": run, "columns": []vars{{"key": "m", "stepScale": 7, "steps": "", "times": "", "values": ""}}}}, "INVALID_ARGUMENT", "columns[0].stepScale", "from 0 to 6", 200},
		"a name too long":     {logBatch, vars{"i": vars{"runId": run, "params": []vars{{"key": strings.Repeat("k", 251), "value": "1"}}}}, "INVALID_ARGUMENT", "params[0].key", "at most 250", 200},
		"a param changed":     {logBatch, vars{"i": vars{"runId": run, "params": []vars{{"key": "p", "value": "2"}}, "tags": []vars{{"key": "t", "value": "v"}}}}, "INVALID_ARGUMENT", "params[0].value", "not allowed", 200},
		"too many params":     {logBatch, vars{"i": vars{"runId": run, "params": many(1001)}}, "INVALID_ARGUMENT", "params", "at most 1000", 200},
		"wrong type":          {logBatch, vars{"i": vars{"runId": run, "params": 5}}, "INVALID_ARGUMENT", "params[0]", "must be a ParamInput, which is an object", 400},
		"a number for object": {logBatch, vars{"i": 5}, "INVALID_ARGUMENT", "i", "i: must be a LogBatchInput, which is an object", 400},
		"long name":           {`mutation($n: String) { createRun(input: { name: $n }) { runId } }`, vars{"n": strings.Repeat("n", 501)}, "INVALID_ARGUMENT", "name", "at most 500", 200},
		"long new name":       {`mutation($r: ID!, $n: String) { updateRun(input: { runId: $r, name: $n }) { runId } }`, vars{"r": run, "n": strings.Repeat("n", 501)}, "INVALID_ARGUMENT", "name", "at most 500", 200},
		"wrong scalar":        {logBatch, vars{"i": vars{"runId": true}}, "INVALID_ARGUMENT", "runId", "cannot use bool as ID", 400},
		"missing":             {logBatch, vars{"i": vars{}}, "INVALID_ARGUMENT", "runId", "must be defined", 400},
		"no variable":         {logBatch, vars{}, "INVALID_ARGUMENT", "i", "must be defined", 400},
		"unknown member":      {logBatch, vars{"i": vars{"runId": run, "x": 1}}, "INVALID_ARGUMENT", "x", "unknown field", 400},
		"enum":                {`query($v: View) { runs(view: $v) { totalCount } }`, vars{"v": "SOME"}, "INVALID_ARGUMENT", "v", "SOME is not a valid View", 400},
		"enum in small":       {`query($v: View) { runs(view: $v) { totalCount } }`, vars{"v": "active"}, "INVALID_ARGUMENT", "view", "active is not a valid View", 200},
		"too large an int":    {`query($n: Int) { runs(first: $n) { totalCount } }`, vars{"n": 1e30}, "INVALID_ARGUMENT", "n", "cannot use value", 400},
		"first of 0":          {`{ runs(first: 0) { totalCount } }`, nil, "INVALID_ARGUMENT", "first", "is 0; it is from 1 to 1,000", 400},
		"first of 1001":       {`{ runs(first: 1001) { totalCount } }`, nil, "INVALID_ARGUMENT", "first", "is 1001; it is from 1 to 1,000", 400},
		"forged cursor":       {`{ runs(after: "x") { totalCount } }`, nil, "INVALID_ARGUMENT", "after", "cursor", 200},
		"filter":              {`{ runs(filter: "metrics.acc > ") { totalCount } }`, nil, "INVALID_ARGUMENT", "filter", "at 15", 200},
		"order":               {`{ runs(orderBy: ["metrics"]) { totalCount } }`, nil, "INVALID_ARGUMENT", "orderBy[0]", "at", 200},
		"no such experiment":  {`{ runs(experiments: ["x"]) { totalCount } }`, nil, "INVALID_ARGUMENT", "experiments[0]", "is not an experiment's id", 200},
		"both id and name":    {`{ experiment(id: 1, name: "x") { name } }`, nil, "INVALID_ARGUMENT", "id", "either by id or by name", 200},
		"malformed id":        {`{ run(id: "zz") { runId } }`, nil, "INVALID_ARGUMENT", "id", "is not a run's id", 200},
		"node":                {`{ node(id: "x") { id } }`, nil, "INVALID_ARGUMENT", "id", "is not a global id", 200},
		"series of too many":  {`query($r: [ID!]!) { metricSeries(runs: $r) { cursor } }`, vars{"r": []string{}}, "INVALID_ARGUMENT", "runs", "from 1 to 1,000", 400},
		"max points":          {`query($r: [ID!]!) { metricSeries(runs: $r, maxPoints: 100001) { cursor } }`, vars{"r": []string{run}}, "INVALID_ARGUMENT", "maxPoints", "100001", 400},
		"range of times":      {`query($r: [ID!]!) { metricSeries(runs: $r, axis: TIME, range: { from: "0.5" }) { cursor } }`, vars{"r": []string{run}}, "INVALID_ARGUMENT", "range.from", "whole number of milliseconds", 200},
		"range":               {`query($r: [ID!]!) { metricSeries(runs: $r, range: { from: 2, to: 1 }) { cursor } }`, vars{"r": []string{run}}, "INVALID_ARGUMENT", "range", "after its end", 200},
		"status of an end":    {`mutation($r: ID!) { finishRun(input: { runId: $r, status: RUNNING }) { runId } }`, vars{"r": run}, "INVALID_ARGUMENT", "status", "does not end a run", 200},
		"lease":               {`mutation($r: ID!) { heartbeatRun(runId: $r, leaseSeconds: 1) { runId } }`, vars{"r": run}, "INVALID_ARGUMENT", "leaseSeconds", "10", 200},
		"tag key":             {`mutation($r: ID!) { setTag(runId: $r, key: "", value: "") { runId } }`, vars{"r": run}, "INVALID_ARGUMENT", "key", "missing", 200},
		"no such tag":         {`mutation($r: ID!) { deleteTag(runId: $r, key: "none") { runId } }`, vars{"r": run}, "NOT_FOUND", "", "none", 200},
		"name taken":          {`mutation { createExperiment(input: { name: "Default" }) { name } }`, nil, "ALREADY_EXISTS", "", "already exists", 200},
		"experiment twice":    {`mutation { createRun(input: { experimentId: 0, experimentName: "x" }) { runId } }`, nil, "INVALID_ARGUMENT", "experimentName", "second time", 200},
		"experiment unknown":  {`mutation { createRun(input: { experimentId: 77 }) { runId } }`, nil, "NOT_FOUND", "", "77", 200},
		"path that leaves":    {`query($r: ID!) { run(id: $r) { artifacts(path: "../x") { edges { cursor } } } }`, vars{"r": run}, "INVALID_ARGUMENT", "path", "", 200},
		"encoded path":        {`query($r: ID!) { run(id: $r) { uploadUrl(path: "%2e%2e/x") } }`, vars{"r": run}, "INVALID_ARGUMENT", "path", "", 200},
		"files of no metric":  {`query($r: ID!) { run(id: $r) { metricSeriesUrl(keys: []) } }`, vars{"r": run}, "INVALID_ARGUMENT", "keys", "has 0 elements; there are from 1 to 1,000", 400},
		"long address":        {`query($r: ID!, $k: [String!]) { run(id: $r) { metricSeriesUrl(keys: $k) } }`, vars{"r": run, "k": []string{strings.Repeat("k", 33_000)}}, "INVALID_ARGUMENT", "keys", "32,768", 200},
		"field unknown":       {`{ runz { totalCount } }`, nil, "INVALID_ARGUMENT", "", `Cannot query field "runz" on type "Query"`, 400},
		"syntax":              {`{ runs( { totalCount } }`, nil, "INVALID_ARGUMENT", "", "Expected Name", 400},
		"operation unnamed":   {`query a { viewer { role } } query b { viewer { role } }`, nil, "INVALID_ARGUMENT", "", "operation  not found", 400},
		"subscription posted": {`subscription { runsChanged { cursor } }`, nil, "INVALID_ARGUMENT", "", "needs a stream", 400},
		"too many keys":       {`query($r: ID!, $k: [String!]) { run(id: $r) { params(keys: $k) { key } } }`, vars{"r": run, "k": strings.Split(strings.Repeat("k ", 1001), " ")}, "INVALID_ARGUMENT", "keys", "at most 1,000", 400},
		"points limit":        {`query($r: [ID!]!) { metricSeries(runs: $r) { series { points(limit: 5001) { step } } } }`, vars{"r": []string{run}}, "INVALID_ARGUMENT", "limit", "1 to 5,000", 400},
	} {
		if name == "points limit" {
			s.logPoints(run, "loss", 0, 1)
		}
		err, status := s.fails(c.query, c.v)
		require.Equal(t, c.code, err.Extensions.Code, "%s: %s", name, err.Message)
		require.Equal(t, c.field, err.Extensions.Field, "%s: %s", name, err.Message)
		require.Contains(t, err.Message, c.says, name)
		require.Equal(t, c.status, status, name)
	}
	got := must[struct {
		Run struct {
			Params  []struct{ Key, Value string }
			Tag     *string
			Metrics []struct{ Key string }
		}
	}](s, `query($r: ID!) { run(id: $r) { params { key value } tag(key: "t") metrics(keys: ["m"]) { key } } }`, vars{"r": run})
	require.Len(t, got.Run.Params, 1)
	require.Equal(t, "1", got.Run.Params[0].Value)
	require.Nil(t, got.Run.Tag, "a batch that is refused is refused as a whole")
	require.Empty(t, got.Run.Metrics)
	require.NotContains(t, s.log.String(), "internal error", "none of these is a fault of the server")

	err, _ := s.fails(`{ runz { totalCount } }`, nil)
	require.Len(t, err.Locations, 1)
	require.Equal(t, 3, err.Locations[0].Column)
	for _, query := range []string{
		`query($r: ID!) { run(id: $r) { runId } }`, `query($r: ID!) { node(id: $r) { id } }`,
	} {
		res := s.try(query, vars{"r": "run:" + unknown})
		require.Empty(t, res.Errors)
		require.Contains(t, string(res.Data), "null", "nothing is not an error")
	}
}

func many(n int) []vars {
	out := make([]vars, n)
	for i := range out {
		out[i] = vars{"key": "k" + strings.Repeat("x", i%200) + string(rune('a'+i%26)) + strings.Repeat("y", i/200), "value": "v"}
	}
	return out
}

func TestInternalErrorsShowNothing(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := newServer(t, db, graph.Options{})
	require.NoError(t, db.Close())
	err, status := s.fails(`{ experiments { totalCount } }`, nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "INTERNAL", err.Extensions.Code)
	require.Regexp(t, `^internal error \(request [0-9a-f]{16}\)$`, err.Message)
	require.Contains(t, s.log.String(), err.Extensions.Request, "the log has it under the same id")
	require.Contains(t, s.log.String(), "sql: database is closed")
}

func TestRoles(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	secrets := map[token.Role]string{}
	for _, role := range []token.Role{token.RoleADMIN, token.RoleEDITOR, token.RoleVIEWER} {
		made := must[struct{ CreateToken struct{ Secret string } }](s, `mutation($n: String!, $r: Role!) { createToken(input: { name: $n, role: $r }) { secret token { id name createdBy expiresAt } } }`,
			vars{"n": strings.ToLower(string(role)), "r": role})
		secrets[role] = "Bearer " + made.CreateToken.Secret
	}
	for _, c := range []struct {
		query   string
		allowed []token.Role
	}{
		{`{ viewer { principal } }`, []token.Role{token.RoleVIEWER, token.RoleEDITOR, token.RoleADMIN}},
		{`{ __schema { queryType { name } } }`, []token.Role{token.RoleVIEWER, token.RoleEDITOR, token.RoleADMIN}},
		{`mutation { createRun(input: {}) { createdBy } }`, []token.Role{token.RoleEDITOR, token.RoleADMIN}},
		{`{ tokens { name role revokedAt } }`, []token.Role{token.RoleADMIN}},
		{`{ node(id: "token:viewer") { id } }`, []token.Role{token.RoleADMIN}},
		{`mutation { createRun(input: {}) { runId } revokeToken(name: "none") { name } }`, nil},
	} {
		for _, role := range []token.Role{token.RoleVIEWER, token.RoleEDITOR, token.RoleADMIN} {
			res := s.try(c.query, nil, "Authorization", secrets[role])
			if contains(c.allowed, role) {
				require.Empty(t, res.Errors, "%s %s: %s", role, c.query, res.body)
				require.NotContains(t, res.body, "local:tester")
				continue
			}
			require.NotEmpty(t, res.Errors, "%s %s", role, c.query)
			if role != token.RoleADMIN {
				require.Equal(t, "PERMISSION_DENIED", res.Errors[0].Extensions.Code)
				require.Contains(t, res.Errors[0].Message, "has the role "+string(role))
			}
		}
		res := s.try(c.query, nil, "X-Anonymous", "1")
		require.Equal(t, "UNAUTHENTICATED", res.Errors[0].Extensions.Code)
		require.Equal(t, http.StatusUnauthorized, res.status)
	}
	count := must[struct{ Runs struct{ TotalCount int } }](s, `{ runs { totalCount } }`, nil).Runs.TotalCount
	require.Equal(t, 3, count, "editor and admin made one, and the admin the first part of the last; who may not do all does nothing")

	must[any](s, `mutation { revokeToken(name: "viewer") { revokedAt } }`, nil)
	res := s.try(`{ viewer { role } }`, nil, "Authorization", secrets[token.RoleVIEWER])
	require.Equal(t, "UNAUTHENTICATED", res.Errors[0].Extensions.Code)
}

func contains(roles []token.Role, role token.Role) bool {
	for _, r := range roles {
		if r == role {
			return true
		}
	}
	return false
}
