// Package catalog knows providers: where their endpoints are, what their API
// hosts are called and how they deviate from RFC 6749.
//
// Each provider is one JSON file in presets, named after its id; a test holds
// every file to the rules of [Preset.Validate]. A preset is where configuration
// starts from: all of it can be overridden there. The preset "generic" knows
// nothing but the defaults of the RFCs, and leaves the URLs to the user.
package catalog
