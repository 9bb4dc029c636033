/// The command line: parses, calls the engine, prints. The only code that prints, exits or reads the environment.
@NullMarked
package io.moetier.cli;

import org.jspecify.annotations.NullMarked;
