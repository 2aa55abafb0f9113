// Package client speaks to a Cairn server: GraphQL through functions generated from schema.graphql, artifact bytes by
// PUT and GET. The command line, the agent and projects use it; none of them opens the database.
//
// The generated functions (CreateRun, LogBatch, …) take a *Client. Their errors are *errs.Error with the kind that the
// server gave, or Unavailable when it could not be reached.
package client
