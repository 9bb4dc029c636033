/// What was measured or found, as tables, charts and pages.
@NullMarked
package io.moetier.cli.report;

import org.jspecify.annotations.NullMarked;
