/// Models by the names that people give them: found, imported, kept in the cache, checked, described.
@NullMarked
package io.moetier.cli.models;

import org.jspecify.annotations.NullMarked;
