#!/bin/sh
# Puts mongo-java-server, a server that speaks MongoDB's protocol and updates atomically, into .ci/servers/.
# Does nothing when it is there already. Needs a JDK (>= 17) and Maven. Prints the directory.
set -eu

version=1.47.0
here=$(cd "$(dirname "$0")" && pwd)
servers=$here/../.ci/servers
target=$(cd "$here/.." && pwd)/.ci/servers/mongo-java-server-$version

if [ -e "$target/StartMongoServer.class" ]; then
  echo "$target"
  exit 0
fi

mkdir -p "$servers"
work=$(mktemp -d "$servers/unfinished-XXXXXX")
trap 'rm -rf "$work"' EXIT

cat > "$work/pom.xml" << POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>servers</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server</artifactId><version>$version</version></dependency>
    <dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server-h2-backend</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$work" >&2

cd "$work"
sha256sum --check --quiet << SUMS
8dae62d22db8982c3dcb3826edb9c727c5d302063a67eef7d63d82de401f07d3  h2-2.3.232.jar
9a34c9ad6ac6261906295481838256033ec1efc8c93a3e3828e5d47a006b0bd4  mongo-java-server-core-1.47.0.jar
58ca6760a25f8a05adfe8a0f7a8a042ca22bd472869028755931507cdce20e71  mongo-java-server-h2-backend-1.47.0.jar
82864f8a2ede1514f64c2cd3a70e8022c259eb3d78975cfa208c1668ac1f12bb  mongo-java-server-memory-backend-1.47.0.jar
4820eeb2d3db269b20b30711e3d7d21979664249aaf10fc67f90dee935810747  netty-buffer-4.2.2.Final.jar
76987614ccb2fda7d3292b69ba5b61351f30e91bf5c7d8fa4b51bc32c9f67456  netty-codec-base-4.2.2.Final.jar
5d022f3acad74cb0f195f60213500a4000d1340e5e941edaf1a0e756686b9bae  netty-common-4.2.2.Final.jar
d4ef582c78125457baa0cfa52992b5fb1bb9172d1a2c03b726e8b26e17d3fe2c  netty-handler-4.2.2.Final.jar
fa7841ffe2e39d52251814fb8560d6936b10ae7c67453ee50426b83fd5170ba0  netty-resolver-4.2.2.Final.jar
116d766a1af4722fe76a4cdaed969644985d44e08ec1337d2dbab697dd109603  netty-transport-4.2.2.Final.jar
aa8821a7ea2ca47f62740bd1f37d67deb97824cc77e76dde6ae2c439a923fc9d  netty-transport-native-unix-common-4.2.2.Final.jar
7b751d952061954d5abfed7181c1f645d336091b679891591d63329c622eb832  slf4j-api-2.0.17.jar
SUMS

javac -cp "$work/*" -d "$work" "$here/StartMongoServer.java"
chmod 755 "$work"
rm -rf "$target"
mv "$work" "$target"
echo "$target"
