package io.moetier.kernels;

import org.junit.platform.suite.api.SelectPackages;
import org.junit.platform.suite.api.Suite;

/// Tests that have the same code compiled by the JVM, so that one JVM runs them all (docs/adr/0069-suites.md);
/// [OtherSuite] has the rest.
@Suite
@SelectPackages("io.moetier.kernels.cpu")
final class CpuSuite {}
