package io.moetier.kernels;

import org.junit.platform.suite.api.ExcludePackages;
import org.junit.platform.suite.api.SelectPackages;
import org.junit.platform.suite.api.Suite;

/// What [CpuSuite] has not.
@Suite
@SelectPackages("io.moetier.kernels")
@ExcludePackages("io.moetier.kernels.cpu")
final class OtherSuite {}
