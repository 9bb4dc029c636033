package io.moetier.runtime;

import org.junit.platform.suite.api.ExcludePackages;
import org.junit.platform.suite.api.SelectPackages;
import org.junit.platform.suite.api.Suite;

/// What [SessionSuite] has not.
@Suite
@SelectPackages("io.moetier.runtime")
@ExcludePackages("io.moetier.runtime.session")
final class OtherSuite {}
