package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// What Maven leaves to whoever writes the poms: one version in all, a module name for each jar, a complete bill.
class PomsTest {
    private static final Pattern MODULE = Pattern.compile("<module>(.*)</module>");
    private static final Pattern VERSION = Pattern.compile("<version>(.*?)</version>");
    private static final Pattern ARTIFACT = Pattern.compile("</parent>\\s*<artifactId>(.*?)</artifactId>");
    private static final Pattern MANAGED = Pattern.compile("<artifactId>(moetier-.*?)</artifactId>");
    private static final String BOM = "engine/bom";

    /// What nobody embeds.
    private static final List<String> PROGRAMS = List.of("test-data", "tools/bench", "tools/lint", "cli");

    private static final Pattern PHASE = Pattern.compile("<phase>(.*?)</phase>");

    private static String pom(String folder) throws IOException {
        return Files.readString(TestData.root().resolveSibling(Path.of(folder, "pom.xml")));
    }

    private static String first(Pattern pattern, String text) {
        return all(pattern, text).getFirst();
    }

    private static List<String> all(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(match -> match.group(1)).toList();
    }

    @Test
    void allHaveOneVersion() throws IOException {
        String version = first(VERSION, pom(""));
        for (String module : all(MODULE, pom(""))) {
            assertEquals(version, first(VERSION, pom(module)), module);
        }
        String changes = Files.readString(TestData.root().resolveSibling("CHANGELOG.md"));
        assertTrue(changes.contains("\n## " + version.replace("-SNAPSHOT", "") + " ") || version.endsWith("-SNAPSHOT"));
    }

    @Test
    void theBillHasTheVersionOfJacksonThatThisIsTestedWith() throws IOException {
        String tested = first(Pattern.compile("<jackson.version>(.*)</jackson.version>"), pom(""));
        assertEquals(tested, first(Pattern.compile("jackson-bom</artifactId>\\s*<version>(.*?)</version>"), pom(BOM)));
    }

    @Test
    void everyJarHasAModuleName() throws IOException {
        for (String module : all(MODULE, pom(""))) {
            assertTrue(module.equals(BOM) || pom(module).contains("<module.name>io.moetier."), module);
        }
    }

    /// What comes with the first start is what the command line runs with.
    @Test
    void theLauncherBuildsNothingThatOnlyTestsSee() throws IOException {
        String pom = pom("cli");
        String always = pom.substring(0, pom.indexOf("<profiles>"));
        String tests = pom.substring(pom.indexOf("<name>!launcher</name>"), pom.indexOf("<id>launcher</id>"));
        for (String artifact : List.of("moetier-api", "moetier-langchain4j", "moetier-bench")) {
            assertTrue(tests.contains(artifact) && !always.contains(artifact), artifact);
        }
    }

    @Test
    void theBillNamesEveryLibrary() throws IOException {
        TreeSet<String> libraries = new TreeSet<>();
        for (String module : all(MODULE, pom(""))) {
            if (!module.equals(BOM) && !PROGRAMS.contains(module)) {
                libraries.add(first(ARTIFACT, pom(module)));
            }
        }
        TreeSet<String> named = new TreeSet<>(all(MANAGED, pom(BOM)));
        named.remove("moetier-bom");
        assertEquals(libraries, named);
    }

    /// The launcher's profile makes jars as soon as classes are processed; the library in C has to be among them then,
    /// however long its compiler takes.
    @Test
    void theLibraryInCIsThereBeforeAnyJarIs() throws IOException {
        String launcher = pom("").substring(pom("").indexOf("<id>launcher</id>"));
        assertEquals("process-classes", first(PHASE, launcher));
        String kernels = pom("engine/kernels");
        assertEquals("compile", first(PHASE, kernels.substring(kernels.indexOf("<id>native-kernels</id>"))));
    }
}
