package web

// Pages and Routes are the tables, for tests that go through them.
func Pages() []entry  { return pages }
func Routes() []route { return routes() }

// Row has what a test needs of a row.
func (r route) Row() (method, pattern string) { return r.method, r.pattern }

// Row has what a test needs of a row.
func (e entry) Row() (path, title, key string) { return e.path, e.title, e.key }
