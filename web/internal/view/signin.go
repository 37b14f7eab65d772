package view

// SignIn is the page on which a person signs in. Anyone may see it, so it shows nothing of the swarm.
type SignIn struct {
	Title string
	Off   bool   // authentication is off
	Says  string // why the page is shown, or ""
	Error string // why the token was refused, or ""
	Who   *Who   // who is signed in; nil: nobody
	Plain bool   // the browser will not keep the sign-in, because the connection is not encrypted
	Back  string // path of the page to show after it
	Carry string // the form that was posted while nobody was signed in, encoded; "" if there is none
}

// Denied is a page for a person who may see no page: it shows nothing of the swarm.
type Denied struct{ Title, Says string }
