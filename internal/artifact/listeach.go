package artifact

import "context"

// Listing is what List gives of one folder.
type Listing struct {
	Infos []Info
	// More: there are more behind the last.
	More bool
}

// ListEach is List of several folders, in their order. The hashes of all files are read together.
func (s *Service) ListEach(ctx context.Context, dirs []string, after string, limit int) ([]Listing, error) {
	out := make([]Listing, len(dirs))
	if err := s.settleBelow(ctx, dirs...); err != nil {
		return nil, err
	}
	var all []Info
	for i, dir := range dirs {
		infos, more, err := s.files.List(ctx, dir, after, limit)
		if err != nil {
			return nil, err
		}
		out[i] = Listing{Infos: infos, More: more}
		all = append(all, infos...)
	}
	if err := s.addHashes(ctx, all); err != nil {
		return nil, err
	}
	for i := range out {
		n := len(out[i].Infos)
		out[i].Infos, all = all[:n:n], all[n:]
	}
	return out, nil
}
