package io.moetier.testdata;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/// Says which class of tests begins, what fails in it, and how it ended, in the words of Maven's Surefire, where
/// `moetier.tests.told` is true. So whoever waits sees what they wait for, and a class that never ends is the last one
/// that began. Classes run one after another.
public final class ToldClasses implements TestExecutionListener {
    private final boolean on = Boolean.getBoolean("moetier.tests.told");

    /// Not that of the system, which tests replace.
    private final PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);

    private long begin;
    private int run;
    private int failures;
    private int errors;
    private int skipped;

    @Override
    public void executionStarted(TestIdentifier test) {
        String name = className(test);
        if (!name.isEmpty()) {
            begin = System.nanoTime();
            run = failures = errors = skipped = 0;
            say("Running " + name);
        }
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        skipped++;
        say("SKIPPED " + test.getUniqueId() + ": " + reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        run += test.isTest() ? 1 : 0;
        if (result.getStatus() != Status.SUCCESSFUL) {
            Throwable thrown = result.getThrowable().orElse(null);
            failures += thrown instanceof AssertionError ? 1 : 0;
            errors += thrown instanceof AssertionError ? 0 : 1;
            say("FAILED " + test.getUniqueId() + ": " + thrown);
        }
        String name = className(test);
        if (!name.isEmpty()) {
            say(String.format(
                    Locale.ROOT,
                    "Tests run: %d, Failures: %d, Errors: %d, Skipped: %d, Time elapsed: %.1f s%s -- in %s",
                    run,
                    failures,
                    errors,
                    skipped,
                    (System.nanoTime() - begin) / 1e9,
                    failures + errors > 0 ? " <<< FAILURE!" : "",
                    name));
        }
    }

    /// Returns the name of a class that is no part of another one, else nothing.
    private static String className(TestIdentifier test) {
        return test.getSource()
                .filter(ClassSource.class::isInstance)
                .map(source -> ((ClassSource) source).getClassName())
                .filter(name -> name.indexOf('$') < 0)
                .orElse("");
    }

    private void say(String line) {
        if (on) {
            out.println(line);
        }
    }
}
