package graph

// Resolver is the root of all resolvers: the core that they call.
type Resolver struct {
	Deps
	options Options
}
