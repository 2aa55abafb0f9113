package gc

// StopBefore makes a service end before the transaction at which stop fails, as if it were killed there.
func (s *Service) StopBefore(stop func() error) { s.beforeWrite = stop }
