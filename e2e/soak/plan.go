package main

import (
	"regexp"
	"slices"
)

// job is one test or benchmark, of which there is one run.
type job struct {
	// Module is its directory, seen from here, and Package its package in it.
	Module, Package string
	// Test is the name of the test or benchmark.
	Test string
	// Flags are given to it beside -soak.
	Flags []string
	// Alone wants the machine for itself, since it measures time.
	Alone bool
}

// Modules, from the directory e2e.
const (
	root = ".."
	e2e  = "."
)

// plan returns all that there is to do. What takes longest comes first, so that nothing is left to do alone at the end.
func plan() []job {
	const million = "-connections=1000000"
	return []job{
		{Module: root, Package: "./tokenstore", Test: "BenchmarkRefreshes", Flags: []string{million, "-benchtime=50000x"}, Alone: true},

		{Module: root, Package: "./tokenstore", Test: "TestScale", Flags: []string{million}},
		{Module: e2e, Package: ".", Test: "TestReloads"},
		{Module: e2e, Package: ".", Test: "TestCrashesLoseNoGrant"},
		{Module: e2e, Package: "./durability", Test: "TestKillsLoseNoGrant"},
		{Module: e2e, Package: "./durability", Test: "TestKillsAtSystemCallsLoseNoGrant"},
		{Module: root, Package: "./tokenstore/custody", Test: "TestADamagedDatabaseGivesNoWrongToken", Flags: []string{"-parallel=9"}},
		{Module: root, Package: "./tokenstore/storage/bolt", Test: "TestWritesToADamagedFileHarmNothingElse"},
		{Module: e2e, Package: ".", Test: "TestSIGTERMAtEachStepOfARefreshLosesNothing"},
		{Module: root, Package: "./tokenstore/custody", Test: "TestALargeDatabaseIsRotatedWhileItIsRead"},
		{Module: e2e, Package: "./durability", Test: "TestFailingDisksLoseNoGrant"},
		{Module: e2e, Package: "./durability", Test: "TestPowerCutsLoseNoGrant"},
		{Module: root, Package: "./tokenstore", Test: "TestWhateverHappensAGrantDiesByTheServersHandOnly"},
		{Module: root, Package: "./tokenstore/custody", Test: "TestARotationMayBeKilledAtAnyTime"},
		{Module: root, Package: "./tokenstore", Test: "TestEveryFaultOfAServerEndsAsItShouldInEveryConversation"},
		{Module: root, Package: "./tokenstore", Test: "TestAClockThatIsSetAtRandomKillsNoGrantAndHammersNoServer"},
		{Module: root, Package: "./tokenstore", Test: "TestOnlyGrantsWhoseAnswerWasLostByAServerWithoutGraceAreGone"},
		{Module: e2e, Package: ".", Test: "TestClientsSeeNothingOfAFailingDisk"},
		{Module: e2e, Package: ".", Test: "TestASecondCaddyOnTheSameFileIsRefused"},
		{Module: root, Package: "./tokenstore/storage/bolt", Test: "TestSalvageTakesAllThatIsSoundAndNothingElse"},
		{Module: root, Package: "./tokenstore/storage/bolt", Test: "TestSalvageOfEveryKindOfDamage"},
		{Module: root, Package: "./tokenstore", Test: "TestACrowdOfCallersOfAnExpiredTokenCausesOneRefresh"},
		{Module: root, Package: "./tokenstore", Test: "TestAClockThatIsSetKillsNoGrantAndHammersNoServer"},
		{Module: root, Package: "./tokenstore/custody", Test: "TestAWrongKeyIsRefusedWithTheFileUntouched"},
		{Module: root, Package: "./tokenstore/seal", Test: "TestEveryFlippedBitOfARecordIsDamage"},
		{Module: root, Package: "./tokenstore/seal", Test: "TestEverySwapOfTwoRecordsIsRefused"},
		{Module: e2e, Package: "./durability", Test: "TestPowerCutsWithoutSyncsLoseGrants"},
		{Module: e2e, Package: "./durability", Test: "TestPowerCutsWhileTheDatabaseIsMade"},
	}
}

// chosen returns the jobs whose test matches.
func chosen(all []job, only *regexp.Regexp) []job {
	return slices.DeleteFunc(all, func(j job) bool { return !only.MatchString(j.Test) })
}
