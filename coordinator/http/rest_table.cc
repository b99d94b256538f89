#include "coordinator/http/rest_table.h"

namespace kith::http {
namespace {

constexpr int64_t kSearchMs = 2000;

constexpr RestRule kRules[] = {
    {"kith.v1.Collections.CreateCollection", "POST", "/v1/collections"},
    {"kith.v1.Collections.PlanCollection", "POST", "/v1/collections:plan"},
    {"kith.v1.Collections.ListCollections", "GET", "/v1/collections"},
    {"kith.v1.Collections.GetCollection", "GET", "/v1/collections/{collection}"},
    {"kith.v1.Collections.UpdateCollection", "PATCH", "/v1/collections/{collection}"},
    {"kith.v1.Collections.DeleteCollection", "DELETE", "/v1/collections/{collection}"},
    {"kith.v1.Collections.TrainIndex", "POST", "/v1/collections/{collection}:train"},
    {"kith.v1.Collections.VerifyCollection", "POST", "/v1/collections/{collection}:verify"},
    {"kith.v1.Collections.ListIndexVersions", "GET", "/v1/collections/{collection}/indexVersions"},
    {"kith.v1.Collections.PromoteIndexVersion", "POST", "/v1/collections/{collection}:promote"},
    {"kith.v1.Collections.RollbackIndexVersion", "POST", "/v1/collections/{collection}:rollback"},
    {"kith.v1.Collections.DropIndexVersion", "DELETE",
     "/v1/collections/{collection}/indexVersions/{version}"},
    {"kith.v1.Collections.CreatePayloadIndex", "POST",
     "/v1/collections/{collection}/payloadIndexes"},
    {"kith.v1.Collections.DeletePayloadIndex", "DELETE",
     "/v1/collections/{collection}/payloadIndexes/{field}"},
    {"kith.v1.Collections.ListAliases", "GET", "/v1/aliases"},
    {"kith.v1.Collections.SetAlias", "PUT", "/v1/aliases/{alias}"},
    {"kith.v1.Collections.DeleteAlias", "DELETE", "/v1/aliases/{alias}"},
    {"kith.v1.Collections.ChangeAliases", "POST", "/v1/aliases:change"},

    {"kith.v1.Points.Upsert", "PUT", "/v1/collections/{collection}/points"},
    {"kith.v1.Points.GetPoints", "POST", "/v1/collections/{collection}/points:get"},
    {"kith.v1.Points.DeletePoints", "POST", "/v1/collections/{collection}/points:delete"},
    {"kith.v1.Points.SetPayload", "POST", "/v1/collections/{collection}/points:setPayload"},
    {"kith.v1.Points.ClearPayload", "POST", "/v1/collections/{collection}/points:clearPayload"},
    {"kith.v1.Points.FacetPoints", "POST", "/v1/collections/{collection}/points:facet"},
    {"kith.v1.Points.CountPoints", "POST", "/v1/collections/{collection}/points:count"},
    {"kith.v1.Points.ScrollPoints", "GET", "/v1/collections/{collection}/points"},
    {"kith.v1.Points.ScrollPoints", "POST", "/v1/collections/{collection}/points:scroll"},

    {"kith.v1.Search.Search", "POST", "/v1/collections/{collection}/points:search", kSearchMs},
    {"kith.v1.Search.SearchBatch", "POST", "/v1/collections/{collection}/points:searchBatch",
     kSearchMs},
    {"kith.v1.Search.FindDuplicates", "POST", "/v1/collections/{collection}/points:findDuplicates"},
    {"kith.v1.Search.ListDuplicates", "GET", "/v1/operations/{operation}/duplicates"},

    {"kith.v1.Backups.CreateBackup", "POST", "/v1/backups"},
    {"kith.v1.Backups.ListBackups", "GET", "/v1/backups"},
    {"kith.v1.Backups.VerifyBackup", "POST", "/v1/backups/{backup}:verify"},
    {"kith.v1.Backups.RestoreBackup", "POST", "/v1/backups/{backup}:restore"},
    {"kith.v1.Backups.DeleteBackup", "DELETE", "/v1/backups/{backup}"},

    {"kith.v1.Operations.ListOperations", "GET", "/v1/operations"},
    {"kith.v1.Operations.GetOperation", "GET", "/v1/operations/{id}"},
    {"kith.v1.Operations.CancelOperation", "POST", "/v1/operations/{id}:cancel"},
};

// Streams that a client feeds have no place in one request and one answer.
constexpr NoRest kWithout[] = {
    {"kith.v1.Points.StreamUpsert", "a stream that the client feeds: REST has Upsert"},
};

}  // namespace

std::span<const RestRule> RestRules() { return kRules; }
std::span<const NoRest> MethodsWithoutRest() { return kWithout; }

}  // namespace kith::http
