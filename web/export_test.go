package web

// Pages and Routes return the tables, for tests that iterate over them.
func Pages() []entry  { return pages }
func Routes() []route { return routes() }

// Row returns the fields of a row that a test needs.
func (r route) Row() (method, pattern string) { return r.method, r.pattern }

// Row returns the fields of a row that a test needs.
func (e entry) Row() (path, title, key string) { return e.path, e.title, e.key }
