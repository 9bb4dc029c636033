/// Inputs that a hostile or unlucky stranger gives to the command line, and the test that runs each of them.
@NullMarked
package io.moetier.cli.hostile;

import org.jspecify.annotations.NullMarked;
