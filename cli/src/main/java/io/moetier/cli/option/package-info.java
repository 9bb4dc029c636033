/// Options that several commands share, and how help tells them.
@NullMarked
package io.moetier.cli.option;

import org.jspecify.annotations.NullMarked;
