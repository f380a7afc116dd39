package custody

import "errors"

var (
	// ErrExists is wrapped if there is a file where one is to be written.
	ErrExists = errors.New("there is a file already")

	// ErrIncomplete is wrapped if a copy is not what its source said it would be: the connection was
	// cut, or bytes were changed on the way.
	ErrIncomplete = errors.New("the copy is not complete")

	// ErrUnsound is wrapped if a backup has records that cannot be opened.
	ErrUnsound = errors.New("the backup is damaged")
)
