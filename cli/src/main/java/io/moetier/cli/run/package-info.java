/// Answers and conversations.
@NullMarked
package io.moetier.cli.run;

import org.jspecify.annotations.NullMarked;
