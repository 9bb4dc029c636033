/// Speed, measured, alone or beside another engine.
@NullMarked
package io.moetier.cli.bench;

import org.jspecify.annotations.NullMarked;
