// Command program is a load generator for `swarmcall drive exec` in a container: it acks each command.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var command struct{ ID int64 }
		if json.Unmarshal(lines.Bytes(), &command) == nil {
			fmt.Printf(`{"type":"ack","id":%d}`+"\n", command.ID)
		}
	}
}
