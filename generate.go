// Package cairn is a server that records machine-learning experiments, with agents that log them. The program is
// cmd/cairn; adapter authors import plugins/sdk.
//
// All that is generated is generated here, in this order: each line reads what the lines before it wrote.
package cairn

//go:generate go run ./ent/entc.go
//go:generate go tool gqlgen generate
//go:generate go run ./graph/schema/print
//go:generate go tool genqlient internal/client/genqlient.yaml
//go:generate go tool genqlient examples/clients/go/genqlient.yaml
//go:generate go run -C tools ./protogen ../plugins/sdk/proto autolog/v1/autolog.proto
//go:generate sh tools/web.sh
