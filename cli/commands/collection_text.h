#ifndef KITH_CLI_COMMANDS_COLLECTION_TEXT_H_
#define KITH_CLI_COMMANDS_COLLECTION_TEXT_H_

#include <cstdint>

#include "cli/console/terminal.h"
#include "kith/v1/collections.pb.h"

namespace kith::cli {

void PrintCollection(const v1::Collection& collection, Terminal& terminal);
void PrintCollectionTable(const v1::ListCollectionsResponse& collections, Terminal& terminal);
void PrintPlan(const v1::PlanCollectionResponse& plan, uint64_t points, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_COLLECTION_TEXT_H_
